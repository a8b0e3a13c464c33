//! Do the web pages hold in a real browser, on what `releve demo` plays?

mod crawl;
mod walks;
