//! Why is input not taken? One code per reason, the field it is about, and whether time can cure it.

use std::fmt;

/// What becomes of input with this reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RejectClass {
    /// Malformed, unsigned or wrongly signed: a 4xx over HTTP, where the sender keeps it.
    Refused,
    /// Signed, and from a newer agent: quarantined, and tried again after the upgrade.
    Newer,
    /// Signed and understood, but it can't be true: quarantined, for a person to judge.
    Contradictory,
}

/// A refusal that names the field and says what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} at '{field}': {detail}")]
pub struct Reject {
    pub code: RejectCode,
    /// A path such as `data.head.devices[2].gpu`; empty where the message as a whole is meant.
    pub field: String,
    pub detail: String,
}

impl Reject {
    pub(crate) fn new(code: RejectCode, field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code, field: field.into(), detail: detail.into() }
    }

    pub fn class(&self) -> RejectClass {
        self.code.class()
    }
}

macro_rules! codes {
    ($($class:ident { $($(#[$doc:meta])* $name:ident => $text:literal,)* })*) => {
        /// The closed list of reasons. A code's text never changes; a reason that falls away keeps its code.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum RejectCode {
            $($($(#[$doc])* $name,)*)*
        }

        impl RejectCode {
            pub const ALL: &'static [Self] = &[$($(Self::$name,)*)*];

            pub const fn as_str(self) -> &'static str {
                match self { $($(Self::$name => $text,)*)* }
            }

            pub const fn class(self) -> RejectClass {
                match self { $($(Self::$name => RejectClass::$class,)*)* }
            }
        }
    };
}

codes! {
    Refused {
        /// More bytes than the deployment takes.
        MessageTooLarge => "message_too_large",
        /// Not JSON as RFC 8259 has it, or not UTF-8.
        NotJson => "not_json",
        /// Nested deeper than any report is.
        TooDeep => "too_deep",
        /// One key twice in one object: two readers would see two messages.
        DuplicateKey => "duplicate_key",
        MissingField => "missing_field",
        WrongType => "wrong_type",
        /// A field that an unsigned object does not have.
        UnknownField => "unknown_field",
        /// Not a CloudEvents version, type or content type that this program reads.
        UnknownType => "unknown_type",
        /// A word that is not in the field's closed list.
        UnknownValue => "unknown_value",
        /// A fraction, an exponent, NaN or Infinity where an integer is due.
        NotAnInteger => "not_an_integer",
        NegativeInteger => "negative_integer",
        /// Beyond 2^53 − 1, as a counter's blank value is.
        IntegerTooLarge => "integer_too_large",
        /// Not RFC 3339 with `Z` and at most milliseconds.
        NotAnInstant => "not_an_instant",
        TextEmpty => "text_empty",
        TextTooLong => "text_too_long",
        TextControl => "text_control",
        TextNotNfc => "text_not_nfc",
        /// Not an id in its one spelling (node, run, digest, salt, message id).
        NotAnId => "not_an_id",
        /// Not `GPU-<uuid>` or `MIG-<uuid>` in lower case: an ordinal or a replica names a position, not a device.
        NotADevice => "not_a_device",
        TooMany => "too_many",
        /// Not 64 bytes in base64.
        NotASignature => "not_a_signature",
        BadSignature => "bad_signature",
        /// The key on record is no usable Ed25519 key.
        BadPublicKey => "bad_public_key",
        /// The envelope says something else than the signed head.
        EnvelopeDisagrees => "envelope_disagrees",
        /// Not as many sections as the head vouches for.
        SectionCount => "section_count",
        /// A section's string is not the one that the head vouches for.
        SectionDigest => "section_digest",
        /// The window is not 10 s to 3600 s, or its length does not divide an hour.
        WindowLength => "window_length",
        WindowNotAligned => "window_not_aligned",
        /// Covered ranges that are empty, out of order or overlapping.
        CoveredDisorder => "covered_disorder",
        CoveredOutsideWindow => "covered_outside_window",
        DeviceTwice => "device_twice",
        /// A slice without its GPU or its profile, or a whole GPU with one.
        SliceDescription => "slice_description",
        DeviceNotListed => "device_not_listed",
        SegmentEmpty => "segment_empty",
        SegmentOutsideWindow => "segment_outside_window",
        SegmentOutsideCovered => "segment_outside_covered",
        /// Not a part of a device: zero, or above the whole.
        ShareInvalid => "share_invalid",
        /// Denominators of one device without a common multiple that can be reckoned with.
        ShareDenominators => "share_denominators",
        TenantKeyInvalid => "tenant_key_invalid",
        TenantKeyTwice => "tenant_key_twice",
        /// One allocation described twice in one section.
        AllocTwice => "alloc_twice",
        /// A reading that names nobody, or both a tenant and a key.
        ReadingHolder => "reading_holder",
        /// A meter or region that can't be part of a SKU.
        ReadingSku => "reading_sku",
        /// A reading in GPU time: that comes in signed reports only.
        ReadingUnit => "reading_unit",
        ReadingSpanEmpty => "reading_span_empty",
        /// A reading that is not inside one UTC hour.
        ReadingCrossesHour => "reading_crosses_hour",
    }
    Newer {
        NewerVersion => "newer_version",
        NewerField => "newer_field",
        NewerValue => "newer_value",
    }
    Contradictory {
        /// More than the whole of a device held at one instant.
        DeviceOversold => "device_oversold",
        /// A GPU and one of its slices held at one instant.
        ParentBesideSlice => "parent_beside_slice",
        /// One allocation holding one device twice at one instant.
        AllocationOverlapsItself => "allocation_overlaps_itself",
    }
}

impl fmt::Display for RejectCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
