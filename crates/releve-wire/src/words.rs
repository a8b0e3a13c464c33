//! Which words do the closed lists of version 1 hold? Written and read from one place.

use crate::report::{Basis, DeviceState, EndReason};

macro_rules! words {
    ($($name:ident { $($variant:ident => $text:literal,)* })*) => {$(
        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl Word for $name {
            const ALL: &'static [Self] = Self::ALL;

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    )*};
}

/// A value of a closed list.
pub(crate) trait Word: Copy + 'static {
    const ALL: &'static [Self];
    fn word(self) -> &'static str;
}

words! {
    DeviceState { Ok => "ok", Degraded => "degraded", Lost => "lost", }
    Basis { Observed => "observed", Inferred => "inferred", }
    EndReason {
        Completed => "completed",
        Preempted => "preempted",
        DeviceLost => "device_lost",
        NodeLost => "node_lost",
    }
}
