//! What the tests of the configuration share: files beside the input.

#![allow(dead_code)] // not every test needs all of it

use std::fs;
use std::path::{Path, PathBuf};

/// The files of a directory with that extension, sorted.
pub fn files(directory: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{directory}: {error}"));
    let paths = entries.map(|entry| entry.expect("a directory entry").path());
    let mut found: Vec<_> = paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    found.sort();
    assert!(!found.is_empty(), "no .{extension} in {directory}");
    found
}

/// Compares with the file beside `input` that has another extension. `UPDATE_FIXTURES=1` writes it instead.
pub fn expect(input: &Path, extension: &str, actual: &str) {
    expect_file(&input.with_extension(extension), actual);
}

/// Compares with a file. `UPDATE_FIXTURES=1` writes it instead.
pub fn expect_file(path: &Path, actual: &str) {
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        return fs::write(path, actual).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let expected = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        expected == actual,
        "{} differs; UPDATE_FIXTURES=1 rewrites it\n--- expected\n{expected}\n--- found\n{actual}",
        path.display()
    );
}
