//! What an entry of the cache is found by.
//!
//! A key is a SHA-256 digest: of the [`Environment`], which is all that compiling depends on besides the function, and
//! of either a stencil or a function's text. A stencil is fed to the digest through its derived [`Hash`], which goes
//! over every field, writes lengths before contents, and can therefore miss nothing that somebody adds to the IR. Names, the
//! base source location and names of regions are in [`Params`](crate::ir::Params) and cannot be reached from a stencil.

use crate::ir::Stencil;
use crate::options::{Flags, Target};
use sha2::{Digest, Sha256};
use std::hash::{Hash, Hasher};

/// What identifies an entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Key(pub [u8; 32]);

impl Key {
    /// The number it is stored under.
    pub fn number(&self) -> i64 {
        i64::from_le_bytes(self.0[..8].try_into().expect("eight bytes"))
    }
}

/// What two builds must have in common for one to use what the other stored.
#[derive(Clone, Debug)]
pub struct Environment {
    prefix: Sha256,
}

/// What an entry is of.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Stencil,
}

impl Environment {
    /// That of compiling for a target with some settings, by this build of clifc.
    pub fn new(target: &Target, flags: &Flags) -> Self {
        let mut prefix = Sha256::new();
        for part in [env!("CLIFC_BUILD").as_bytes(), target.to_string().as_bytes(), flags.bytes()] {
            prefix.update((part.len() as u64).to_le_bytes());
            prefix.update(part);
        }
        Environment { prefix }
    }

    /// The key of a function's text, from `function` to `}`.
    pub fn text(&self, text: &[u8]) -> Key {
        let mut digest = self.of(Kind::Text);
        digest.update(text);
        Key(digest.finalize().into())
    }

    /// The key of a stencil.
    pub fn stencil(&self, stencil: &Stencil) -> Key {
        let mut feed = Feed { digest: self.of(Kind::Stencil), buffer: [0; BUFFER], used: 0 };
        stencil.hash(&mut feed);
        feed.flush();
        Key(feed.digest.finalize().into())
    }

    fn of(&self, kind: Kind) -> Sha256 {
        let mut digest = self.prefix.clone();
        digest.update([kind as u8]);
        digest
    }
}

const BUFFER: usize = 4096;

/// Passes what is hashed on to a digest, in larger pieces.
struct Feed {
    digest: Sha256,
    buffer: [u8; BUFFER],
    used: usize,
}

impl Feed {
    fn flush(&mut self) {
        self.digest.update(&self.buffer[..self.used]);
        self.used = 0;
    }
}

impl Hasher for Feed {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        if bytes.len() > BUFFER - self.used {
            self.flush();
            if bytes.len() > BUFFER {
                self.digest.update(bytes);
                return;
            }
        }
        self.buffer[self.used..self.used + bytes.len()].copy_from_slice(bytes);
        self.used += bytes.len();
    }

    fn finish(&self) -> u64 {
        unreachable!("the digest is taken as a whole")
    }
}
