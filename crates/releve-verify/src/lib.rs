#![doc = include_str!("../README.md")]

mod document;
mod pack;
mod recompute;
mod usage;
mod verdict;

pub use self::{
    pack::{Disclosed, Fleet, KeyOfNode, NodeFacts, PACK_BYTES_MAX, Pack, PackError, Place, RuleOfKey},
    verdict::{Step, StepOutcome, Verdict, verify},
};
