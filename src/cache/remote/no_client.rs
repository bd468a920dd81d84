//! Stands for the client in builds of clifc without shared stores.

use super::lookups::Lookups;
use super::traffic::Traffic;
use std::sync::Arc;
use std::time::Duration;

pub(super) enum Client {}

impl Client {
    pub(super) fn open(_: &str, _: Duration, _: Arc<Traffic>) -> Result<Self, String> {
        Err("this build of clifc can't use shared stores (its feature `remote` is off)".into())
    }

    pub(super) fn start(&self, _: &Arc<Lookups>) {
        match *self {}
    }

    pub(super) fn get(&self, _: &Arc<Lookups>, _: usize) {
        match *self {}
    }

    pub(super) fn put(&self, _: &str, _: Vec<u8>) {
        match *self {}
    }
}
