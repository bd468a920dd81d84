//! Packs: the code of a group of functions, as a shared store keeps it.
//!
//! | bytes | what |
//! |---|---|
//! | 32 | the authentication code of the pack's name and of the rest |
//! | others | for each function of the group its params and its code, in postcard's format |
//!
//! The name is a digest of everything that compilation depends on, and of the texts of the group's functions.
//! Both name and authentication code are made by HMAC with the team's key. Who doesn't have the key can
//! delete packs, but not make one that is accepted, nor have one taken for another; nor can they tell from a
//! name what was compiled. Without a key, an empty one is used, which everybody knows: then the code is a
//! checksum, which finds damage and exchanged packs.

use crate::cache::entry::{TextEntry, is_sound};
use crate::cache::key::Key;
use crate::machine::compiled::{CompiledFunction, CompiledStencil};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Size in bytes of the authentication code.
const CODE: usize = 32;

/// Makes names and authentication codes with a team's key.
#[derive(Clone)]
pub struct Seal(Hmac<Sha256>);

impl Seal {
    /// Makes a seal with a key of any length; empty for none.
    pub fn new(key: &[u8]) -> Self {
        Seal(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    /// The name of the pack of functions whose texts have these digests.
    pub fn name(&self, digests: &[Key]) -> String {
        let mut hmac = self.0.clone();
        hmac.update(b"name");
        digests.iter().for_each(|digest| hmac.update(&digest.0));
        let digits: String = hmac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        // Directories with very many files are slow.
        format!("{}/{}", &digits[..2], &digits[2..])
    }

    fn code_of(&self, name: &str, rest: &[u8]) -> Hmac<Sha256> {
        self.0.clone().chain_update(b"pack").chain_update(name).chain_update(rest)
    }

    /// Packs the functions of a group.
    pub fn pack(&self, name: &str, functions: &[&CompiledFunction]) -> Vec<u8> {
        let unknown = Key([0; 32]);
        let contents: Vec<_> =
            functions.iter().map(|unit| (TextEntry::new(&unknown, &unit.params), &unit.code)).collect();
        let mut bytes = postcard::to_extend(&contents, vec![0; CODE]).expect("a vector takes all there is");
        let code = self.code_of(name, &bytes[CODE..]).finalize().into_bytes();
        bytes[..CODE].copy_from_slice(&code);
        bytes
    }

    /// Unpacks a group of `count` functions; `None` if these are not bytes that `pack` made for the name.
    pub fn unpack(&self, name: &str, bytes: &[u8], count: usize) -> Option<Vec<CompiledFunction>> {
        let (code, rest) = bytes.split_at_checked(CODE)?;
        self.code_of(name, rest).verify_slice(code).ok()?;
        let contents: Vec<(TextEntry, CompiledStencil)> = postcard::from_bytes(rest).ok()?;
        let units = contents.into_iter().map(|(text, code)| {
            let params = text.into_params();
            is_sound(&code, params.names.len()).then_some(CompiledFunction { params, code })
        });
        units.collect::<Option<Vec<_>>>().filter(|units| units.len() == count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Name, Params};

    fn unit(name: &str) -> CompiledFunction {
        let params = Params { name: Name::Text(name.into()), ..Params::default() };
        CompiledFunction { params, code: CompiledStencil { align: 16, ..CompiledStencil::default() } }
    }

    #[test]
    fn only_what_was_packed_is_unpacked() {
        let seal = Seal::new(b"a key");
        let (a, b) = (unit("a"), unit("b"));
        let names = [seal.name(&[Key([1; 32])]), seal.name(&[Key([2; 32])])];
        let bytes = seal.pack(&names[0], &[&a, &b]);
        let units = seal.unpack(&names[0], &bytes, 2).expect("a pack");
        assert_eq!([&units[0].params.name, &units[1].params.name], [&a.params.name, &b.params.name]);
        assert!(seal.unpack(&names[0], &bytes, 3).is_none(), "another number of functions");
        assert!(seal.unpack(&names[1], &bytes, 2).is_none(), "another name");
        assert!(Seal::new(b"another").unpack(&names[0], &bytes, 2).is_none(), "another key");
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(seal.unpack(&names[0], &changed, 2).is_none(), "byte {at}");
            assert!(seal.unpack(&names[0], &bytes[..at], 2).is_none(), "{at} bytes");
        }
    }

    #[test]
    fn names_depend_on_key_and_texts() {
        let of = |key: &[u8], digests: &[u8]| {
            Seal::new(key).name(&digests.iter().map(|&byte| Key([byte; 32])).collect::<Vec<_>>())
        };
        let names = [of(b"k", &[1, 2]), of(b"k", &[2, 1]), of(b"l", &[1, 2]), of(b"k", &[1])];
        assert!((1..4).all(|at| !names[..at].contains(&names[at])), "{names:?}");
    }
}
