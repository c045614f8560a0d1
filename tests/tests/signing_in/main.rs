//! Browsers that sign in to the collector.

mod people;
mod scene;
mod sessions;
