#![doc = include_str!("../README.md")]

pub mod decode;
pub mod evidence;
pub mod limits;
pub mod names;
pub mod reading;
pub mod reject;
pub mod report;
pub mod seal;
pub mod verify;
pub mod words;

mod contradictions;
mod json;
mod rules;
mod signed;
mod values;

pub use decode::{Sealed, open};
pub use names::{allocation_id, sha256, suspense_tenant_id};
pub use reading::{decode_reading, encode_reading};
pub use reject::{Reject, RejectClass, RejectCode};
pub use report::{
    AllocDetails, Basis, Clock, Device, DeviceState, Digest, EndReason, Evidence, Head, Holder, Reading, Report,
    Section, SectionDigests, Segment, Window,
};
pub use seal::{SealedMessage, Unsealed, seal};
pub use verify::{verify_disclosed, verify_head};
