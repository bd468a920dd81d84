//! Defines the formats of a target's instructions. The build script includes this file too.

macro_rules! formats {
    ($($(#[$attr:meta])* $name:ident,)*) => {
        /// Shapes of instruction.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Format { $($(#[$attr])* $name,)* }
        impl Format {
            /// All of them, by number.
            pub const ALL: &[Format] = &[$(Format::$name,)*];
        }
    };
}
