//! The keys of cache entries.
//!
//! A key is a digest of the [`CompileEnvironment`], which is everything that compilation depends on besides
//! the function, and of either a stencil or a function's text.
//!
//! A stencil is fed to SHA-256 through its [`Hash`], which covers every field but those derived
//! from others, writes lengths before contents, and can't miss a field that is added to the IR. Flat arrays
//! are fed as slices. Names, the base source location and names of regions are in
//! [`Params`](crate::ir::Params), which a stencil does not refer to.
//!
//! A build that finds everything in the cache does little but hash texts. HighwayHash takes a seventh of
//! SHA-256's time. It is keyed by a secret of the store, without which nobody can construct two texts with
//! the same key. A shared store has no secret from those who can read it, so texts are known there by
//! SHA-256.

use crate::ir::Stencil;
use crate::options::{Flags, Target};
use highway::{HighwayHash, HighwayHasher};
use sha2::{Digest, Sha256};
use std::hash::{Hash, Hasher};

/// The key of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key(pub [u8; 32]);

impl Hash for Key {
    /// Hashes a part of the digest, which is enough.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_i64(self.number());
    }
}

impl Key {
    /// Returns the number that the entry is stored under.
    pub fn number(&self) -> i64 {
        i64::from_le_bytes(self.0[..8].try_into().expect("eight bytes"))
    }
}

/// Everything two builds must have in common for one to use what the other stored.
#[derive(Clone, Debug)]
pub struct CompileEnvironment {
    digest: Sha256,
}

/// Computes keys of texts.
#[derive(Clone, Copy, Debug)]
pub struct TextKeys(highway::Key);

/// Computes digests of texts that are the same on all machines.
#[derive(Clone, Debug)]
pub struct TextDigests(Sha256);

impl CompileEnvironment {
    /// Makes the environment of compiling for a target with these settings, by this build of clifc.
    pub fn new(target: &Target, flags: &Flags) -> Self {
        let mut digest = Sha256::new();
        // Builds that check the cache must find what others stored.
        let flags = flags.without_cache_checks();
        let landing_pads = [flags.has_landing_pads().into()];
        let build = env!("CLIFC_BUILD").as_bytes();
        for part in [build, target.to_string().as_bytes(), flags.bytes(), &landing_pads] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        CompileEnvironment { digest }
    }

    /// The environment of builds with debug information, whose entries also have positions; with `values`,
    /// they say where values are, too.
    pub fn with_positions(mut self, values: bool) -> Self {
        self.digest.update(if values { b"positions and values" } else { &b"positions"[..] });
        self
    }

    /// Returns what computes keys of texts in a store with this secret.
    pub fn texts(&self, secret: &[u8; 32]) -> TextKeys {
        let digest = self.digest.clone().chain_update(secret).finalize();
        TextKeys(highway::Key(words(digest.into())))
    }

    /// Returns what computes digests of the texts of functions in a file with these `type` items.
    pub fn text_digests(&self, types: &str) -> TextDigests {
        let length = (types.len() as u64).to_le_bytes();
        TextDigests(self.digest.clone().chain_update("text").chain_update(length).chain_update(types))
    }

    /// Computes the key under which the local store keeps code from a shared store: that at `index` of the
    /// pack with this name. It is not the key of a stencil, since what stencil the code is of is not known.
    pub fn shared_code(&self, pack: &str, index: usize) -> Key {
        let digest = self.digest.clone().chain_update("shared").chain_update(pack);
        Key(digest.chain_update((index as u64).to_le_bytes()).finalize().into())
    }

    /// Computes the key of a stencil.
    pub fn stencil(&self, stencil: &Stencil) -> Key {
        let mut feed = Feed { digest: self.digest.clone(), buffer: [0; BUFFER], used: 0 };
        stencil.hash(&mut feed);
        feed.flush();
        Key(feed.digest.finalize().into())
    }
}

impl TextKeys {
    /// Computes the key of a function's text, from `function` to `}`.
    pub fn key(&self, text: &[u8]) -> Key {
        let words = HighwayHasher::new(self.0).hash256(text);
        let mut bytes = [0; 32];
        bytes.chunks_exact_mut(8).zip(words).for_each(|(at, word)| at.copy_from_slice(&word.to_le_bytes()));
        Key(bytes)
    }
}

impl TextDigests {
    /// Computes the digest of a function's text, from `function` to `}`.
    pub fn digest(&self, text: &[u8]) -> Key {
        Key(self.0.clone().chain_update(text).finalize().into())
    }
}

fn words(bytes: [u8; 32]) -> [u64; 4] {
    std::array::from_fn(|at| u64::from_le_bytes(bytes[8 * at..][..8].try_into().expect("eight bytes")))
}

const BUFFER: usize = 1024;

/// A hasher that passes its input on to a digest in larger pieces.
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

    /// Writes bytes for which the buffer has no room.
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
    // Most pieces are fields, whose length is known after inlining.
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

    /// Writes the number of a variant, as lengths are written.
    #[inline(always)]
    fn write_isize(&mut self, number: isize) {
        self.write_usize(number as usize);
    }

    /// Writes a length: in one byte if it is below 255, otherwise in 8 bytes after a byte of 255.
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
