//! What is done with names.

use c2c_proto::name;
use divan::{Bencher, black_box};

/// A plain name, and one whose letters have to be looked up.
const NAMES: [&str; 2] = ["backend-2", "Überarbeitung"];

#[divan::bench(args = NAMES)]
fn fold(name: &str) -> String {
    name::fold(black_box(name))
}

#[divan::bench(args = NAMES)]
fn follows_rule(name: &str) -> bool {
    name::follows_rule(black_box(name))
}

#[divan::bench]
fn derive_from_a_folder(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| name::derive(black_box("My Project (copy 2)")));
}
