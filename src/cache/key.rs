//! What an entry of the cache is found by.
//!
//! A key is a digest: of the [`CompileEnvironment`], which is all that compiling depends on besides the function,
//! and of either a stencil or a function's text.
//!
//! A stencil is fed to SHA-256 through its [`Hash`], which goes over every field, writes lengths before
//! contents, and can't miss what somebody adds to the IR. What is flat is fed by the slice. Names, the base
//! source location and names of regions are in [`Params`](crate::ir::Params) and cannot be reached from a
//! stencil.
//!
//! A build that finds everything does little but hash texts. HighwayHash does it in a seventh of SHA-256's
//! time; it is keyed by a secret of the store's, without which nobody can make two texts of one key.

use crate::ir::Stencil;
use crate::options::{Flags, Target};
use highway::{HighwayHash, HighwayHasher};
use sha2::{Digest, Sha256};
use std::hash::{Hash, Hasher};

/// What identifies an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key(pub [u8; 32]);

impl Hash for Key {
    /// A part of a digest is as good as all of it.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_i64(self.number());
    }
}

impl Key {
    /// The number it is stored under.
    pub fn number(&self) -> i64 {
        i64::from_le_bytes(self.0[..8].try_into().expect("eight bytes"))
    }
}

/// What two builds must have in common for one to use what the other stored.
#[derive(Clone, Debug)]
pub struct CompileEnvironment {
    digest: Sha256,
}

/// What makes keys of texts.
#[derive(Clone, Copy, Debug)]
pub struct TextKeys(highway::Key);

impl CompileEnvironment {
    /// The environment of compiling for a target with some settings, by this build of clifc.
    pub fn new(target: &Target, flags: &Flags) -> Self {
        let mut digest = Sha256::new();
        // Builds that check the cache have to find what others stored.
        let flags = flags.without_cache_checks();
        for part in [env!("CLIFC_BUILD").as_bytes(), target.to_string().as_bytes(), flags.bytes()] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        CompileEnvironment { digest }
    }

    /// Keys of texts in a store with this secret.
    pub fn texts(&self, secret: &[u8; 32]) -> TextKeys {
        let digest = self.digest.clone().chain_update(secret).finalize();
        TextKeys(highway::Key(words(digest.into())))
    }

    /// The key of a stencil.
    pub fn stencil(&self, stencil: &Stencil) -> Key {
        let mut feed = Feed { digest: self.digest.clone(), buffer: [0; BUFFER], used: 0 };
        stencil.hash(&mut feed);
        feed.flush();
        Key(feed.digest.finalize().into())
    }
}

impl TextKeys {
    /// The key of a function's text, from `function` to `}`.
    pub fn key(&self, text: &[u8]) -> Key {
        let words = HighwayHasher::new(self.0).hash256(text);
        let mut bytes = [0; 32];
        bytes.chunks_exact_mut(8).zip(words).for_each(|(at, word)| at.copy_from_slice(&word.to_le_bytes()));
        Key(bytes)
    }
}

fn words(bytes: [u8; 32]) -> [u64; 4] {
    std::array::from_fn(|at| u64::from_le_bytes(bytes[8 * at..][..8].try_into().expect("eight bytes")))
}

const BUFFER: usize = 1024;

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

    /// Adds what the buffer has no room for.
    #[cold]
    fn write_over(&mut self, bytes: &[u8]) {
        self.flush();
        match bytes.len() < BUFFER {
            true => self.write(bytes),
            false => self.digest.update(bytes),
        }
    }
}

impl Hasher for Feed {
    // Most pieces are fields, whose length is known where this is inlined.
    #[inline(always)]
    fn write(&mut self, bytes: &[u8]) {
        match self.buffer.get_mut(self.used..self.used + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.used += bytes.len();
            }
            None => self.write_over(bytes),
        }
    }

    /// Numbers of variants, which are small: in a byte, or in 8 behind the byte that is none of them.
    #[inline(always)]
    fn write_isize(&mut self, number: isize) {
        self.write_usize(number as usize);
    }

    /// Lengths, in the same way.
    #[inline(always)]
    fn write_usize(&mut self, number: usize) {
        match u8::try_from(number) {
            Ok(byte) if byte < u8::MAX => self.write_u8(byte),
            _ => {
                self.write_u8(u8::MAX);
                self.write_u64(number as u64);
            }
        }
    }

    fn finish(&self) -> u64 {
        unreachable!("the digest is taken as a whole")
    }
}
