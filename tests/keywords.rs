//! Whether `grammar/` is complete: it has every keyword of every block of keepalived 2.4.3, and no other.

use std::collections::BTreeSet;
use std::fs;

use alived::schema::{self, Status};

/// Block and keyword, one pair a line.
const LIST: &str = "fixtures/keywords";

fn keepalived() -> BTreeSet<(String, String)> {
    let text = fs::read_to_string(LIST).expect("the fixture");
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    let rows: BTreeSet<_> = rows
        .map(|line| line.split_once(' ').unwrap_or_else(|| panic!("{line}: expected a block and a keyword")))
        .map(|(block, keyword)| (block.to_owned(), keyword.to_owned()))
        .collect();
    assert!(rows.len() > 700, "only {} rows were found", rows.len());
    rows
}

fn grammar() -> BTreeSet<(String, String)> {
    let blocks = schema::keepalived().blocks().iter();
    blocks
        .flat_map(|block| {
            let rows = block.keywords.iter().chain(&block.head).chain(&block.words);
            let known = rows.filter(|keyword| keyword.status != Status::Removed);
            known.map(|keyword| (block.path.clone(), keyword.name.clone()))
        })
        .collect()
}

#[test]
fn every_keyword_of_keepalived_is_in_the_grammar() {
    let grammar = grammar();
    let missing: Vec<_> = keepalived().into_iter().filter(|row| !grammar.contains(row)).collect();
    assert!(missing.is_empty(), "grammar/ lacks {missing:#?}");
}

#[test]
fn the_grammar_has_no_keyword_that_keepalived_does_not_know() {
    let keepalived = keepalived();
    let surplus: Vec<_> = grammar().into_iter().filter(|row| !keepalived.contains(row)).collect();
    assert!(surplus.is_empty(), "keepalived does not know {surplus:#?}");
}

#[test]
fn every_keyword_says_since_when_it_is_known() {
    for block in schema::keepalived().blocks() {
        for keyword in block.keywords.iter().chain(&block.head).chain(&block.words) {
            let known = keyword.since.is_some() || keyword.status == Status::Removed;
            assert!(known, "{} in {} has no 'since'", keyword.name, block.path);
        }
    }
}
