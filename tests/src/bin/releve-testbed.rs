//! Who keeps the suite's servers running? This, until its standard input ends.

fn main() -> std::io::Result<()> {
    releve_tests::testbed::serve()
}
