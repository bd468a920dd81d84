//! The shapes of a target's instructions, for its table of rows: read by the build script too.

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
