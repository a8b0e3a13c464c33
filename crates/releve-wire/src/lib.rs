#![doc = include_str!("../README.md")]

pub mod limits;
pub mod report;

pub use report::{
    AllocDetails, Basis, Clock, Device, DeviceState, Digest, EndReason, Evidence, Head, Holder, Reading, Report,
    Section, SectionDigests, Segment, Window,
};
