//! How far is it? A bar on standard error; a line for each tenth where that is no terminal.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

const WIDTH: usize = 40;
/// How often a bar is drawn anew.
const REDRAW_AFTER: Duration = Duration::from_millis(100);

/// A bar that fills from 0 to `total`.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    total: usize,
    done: usize,
    began: Instant,
    drawn: Option<Instant>,
    tenths: usize,
    terminal: bool,
}

impl Progress {
    pub fn new(what: &'static str, total: usize) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { what, total: total.max(1), done: 0, began: Instant::now(), drawn: None, tenths: 0, terminal }
    }

    pub fn add(&mut self, count: usize) {
        self.done = (self.done + count).min(self.total);
        let tenths = self.done * 10 / self.total;
        if self.terminal && self.drawn.is_none_or(|at| at.elapsed() >= REDRAW_AFTER) {
            self.drawn = Some(Instant::now());
            eprint!("\r{}", self.bar());
            // A bar that can't be drawn is no reason to stop the work.
            drop(std::io::stderr().flush());
        } else if !self.terminal && tenths > self.tenths {
            eprintln!("{}", self.bar());
        }
        self.tenths = tenths;
    }

    /// The full bar, with the time it took.
    pub fn finish(mut self) -> Duration {
        let was_full = self.tenths >= 10;
        self.done = self.total;
        if self.terminal {
            eprintln!("\r{}", self.bar());
        } else if !was_full {
            eprintln!("{}", self.bar());
        }
        self.began.elapsed()
    }

    fn bar(&self) -> String {
        let filled = self.done * WIDTH / self.total;
        let (full, empty) = ("█".repeat(filled), "░".repeat(WIDTH - filled));
        let seconds = self.began.elapsed().as_secs();
        format!("{} {full}{empty} {}/{} in {seconds} s", self.what, self.done, self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_never_longer_than_itself() {
        let mut progress = Progress::new("reports", 3);
        for _ in 0..5 {
            progress.add(2);
            assert_eq!(progress.bar().chars().filter(|c| "█░".contains(*c)).count(), WIDTH);
        }
        assert!(progress.bar().contains("3/3"));
    }
}
