//! Enums of one byte whose variants have names: the one table that parsing, printing and listing them reads.

/// Defines a byte-sized enum whose variants have names.
#[macro_export]
macro_rules! named_enum {
    ($(#[$attr:meta])* $name:ident { $($(#[$vattr:meta])* $variant:ident $text:literal),* $(,)? }) => {
        $(#[$attr])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $name { $(#[doc = concat!("`", $text, "`")] $(#[$vattr])* $variant),* }
        impl $name {
            /// All of them, by code.
            pub const ALL: &[$name] = &[$($name::$variant),*];
            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }
            /// The one of this name.
            pub fn parse(text: &[u8]) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.name().as_bytes() == text)
            }
            /// The one with this code.
            #[inline]
            pub fn from_code(code: u16) -> Self {
                Self::ALL[code as usize]
            }
        }
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
