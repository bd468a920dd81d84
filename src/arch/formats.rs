//! The macro that declares a target's instruction formats. The build script reads this file too.

macro_rules! formats {
    ($($(#[$attr:meta])* $name:ident,)*) => {
        /// Instruction formats: the shapes that the encoder knows.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Format { $($(#[$attr])* $name,)* }
        impl Format {
            /// All formats, by number.
            pub const ALL: &[Format] = &[$(Format::$name,)*];
        }
    };
}
