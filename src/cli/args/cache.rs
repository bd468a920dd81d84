//! The options and the command of the cache.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use clifc::cache::RemoteMode;

use super::parse_seconds;

/// Options of `clifc build` about the cache.
#[derive(Args, Debug)]
pub struct CacheArgs {
    /// Keep compiled functions in DIR, and reuse those that are there [default: CLIFC_CACHE_DIR if it is
    /// set; without DIR, ~/.cache/clifc].
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, overrides_with = "no_cache")]
    pub cache: Option<Option<PathBuf>>,
    /// Use no cache, whatever CLIFC_CACHE_DIR says.
    #[arg(long, overrides_with = "cache")]
    pub no_cache: bool,
    /// Limit the cache to this many bytes, as in 500M [default: CLIFC_CACHE_SIZE, or 1G]; least recently used
    /// entries go first.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub cache_size: Option<u64>,
    /// Share compiled functions with others in the store at this URL, behind the cache, which --cache names
    /// [default: CLIFC_CACHE_REMOTE].
    #[arg(long, value_name = "URL")]
    pub cache_remote: Option<String>,
    /// read-write, read-only or write-only [default: CLIFC_CACHE_REMOTE_MODE, or read-write].
    #[arg(long, value_name = "MODE")]
    pub cache_remote_mode: Option<RemoteMode>,
    /// File with the team's key, without which nobody can add to the shared store what is taken from it
    /// [default: CLIFC_CACHE_KEY_FILE; CLIFC_CACHE_KEY is the key itself].
    #[arg(long, value_name = "FILE")]
    pub cache_key_file: Option<PathBuf>,
    /// Give the shared store up if it takes longer than this to answer [default: 2].
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub cache_remote_timeout: Option<Duration>,
    /// Wait for the shared store for up to this long, even where compiling is faster.
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub cache_remote_wait: Option<Duration>,
    /// Also compile functions that the cache has, and compare.
    #[arg(long)]
    pub check_cache: bool,
    /// Print how much the cache had, and the time it took, to stderr.
    #[arg(long)]
    pub cache_stats: bool,
}

/// `clifc cache`.
#[derive(Args, Debug)]
pub struct CacheCommand {
    /// stats: print its size; prune: shrink it to --cache-size; clear: remove it; verify: check all entries
    /// and remove damaged ones.
    #[arg(value_name = "VERB", hide_possible_values = true)]
    pub verb: CacheVerb,
    /// Its directory [default: CLIFC_CACHE_DIR if it is set, else ~/.cache/clifc].
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Its limit in bytes, as in 500M [default: CLIFC_CACHE_SIZE, or 1G].
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub cache_size: Option<u64>,
}

/// What `clifc cache` does.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum CacheVerb {
    /// Print its size.
    Stats,
    /// Remove the least recently used entries.
    Prune,
    /// Remove everything.
    Clear,
    /// Remove damaged entries.
    Verify,
}

/// Parses a number of bytes with an optional suffix `K`, `M` or `G`.
pub fn parse_size(text: &str) -> Result<u64, String> {
    const EXPECTED: &str = "expected a number of bytes, possibly with a suffix K, M or G";
    let digits = text.trim_end_matches(['K', 'M', 'G', 'k', 'm', 'g']);
    let shift = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return Err(EXPECTED.into()),
    };
    let number: u64 = digits.parse().map_err(|_| EXPECTED)?;
    number
        .checked_mul(1 << shift)
        .filter(|bytes| *bytes < 1 << 48)
        .ok_or_else(|| "the greatest possible size is 256T".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_suffixes() {
        assert_eq!(parse_size("4096"), Ok(4096));
        assert_eq!(parse_size("16M"), Ok(16 << 20));
        assert!(parse_size("M").is_err() && parse_size("1KM").is_err() && parse_size("9999999999G").is_err());
    }
}
