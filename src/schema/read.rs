//! Grammar files → blocks and keywords. They are written in keepalived's own syntax, so its parser reads them.

use crate::source::{SourceMap, Span};
use crate::syntax::{Statement, parse};

use super::index::Index;
use super::number::{Decimal, MICROS};
use super::{Block, Keyword, Missing, ReleaseError, Status, Value};

/// Reads the text of `grammar/<name>.conf`.
pub(super) fn blocks(name: &str, text: &str) -> Result<Vec<Block>, String> {
    let mut sources = SourceMap::default();
    let source = sources.add(name.into(), text.into());
    let tree = parse(&sources, source);
    let reader = Reader { name, sources: &sources };
    if let Some(problem) = tree.problems.first() {
        return Err(reader.at(problem.span, &format!("{:?}", problem.kind)));
    }
    tree.statements.iter().map(|statement| reader.block(statement)).collect()
}

struct Reader<'a> {
    name: &'a str,
    sources: &'a SourceMap,
}

impl Reader<'_> {
    fn at(&self, span: Span, problem: &str) -> String {
        format!("grammar/{}.conf:{}: {problem}", self.name, self.sources.position(span).line)
    }

    fn words(&self, statement: &Statement) -> Vec<String> {
        statement.words.iter().map(|word| word.text().into_owned()).collect()
    }

    fn block(&self, statement: &Statement) -> Result<Block, String> {
        let words = self.words(statement);
        let ([keyword, path], Some(body)) = (words.as_slice(), &statement.block) else {
            return Err(self.at(statement.span, "expected 'block PATH { … }'"));
        };
        if keyword != "block" {
            return Err(self.at(statement.span, &format!("expected 'block', found '{keyword}'")));
        }
        let (mut keywords, mut head, mut words) = (Vec::new(), None, Vec::new());
        for row in &body.statements {
            let (kind, keyword) = self.keyword(row)?;
            match kind.as_str() {
                "keyword" => keywords.push(keyword),
                "word" => words.push(keyword),
                "head" => head = Some(keyword),
                other => {
                    return Err(self.at(row.span, &format!("expected 'keyword', 'word' or 'head', found '{other}'")));
                }
            }
        }
        let index = |rows: &[Keyword]| Index::new(rows.iter().map(|row| row.name.as_str()));
        let (keyword_index, word_index) = (index(&keywords), index(&words));
        Ok(Block { path: path.clone(), keywords, head, words, keyword_index, word_index })
    }

    fn keyword(&self, statement: &Statement) -> Result<(String, Keyword), String> {
        let words = self.words(statement);
        let ([kind, name], Some(body)) = (words.as_slice(), &statement.block) else {
            return Err(self.at(statement.span, "expected 'keyword NAME { … }'"));
        };
        let (mut value, mut status) = (None, None);
        let mut keyword = Keyword {
            name: name.clone(),
            value: Value::None,
            missing: Missing::Exits,
            default: None,
            status: Status::Planned,
            since: None,
            build: None,
            replaced: None,
            renamed: None,
            once: false,
            denies: None,
        };
        for property in &body.statements {
            let words = self.words(property);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let text = words.get(1).map(|word| (*word).to_owned());
            match words.as_slice() {
                ["value", rest @ ..] => value = Some(self.value(property.span, rest)?),
                ["status", status_name] => status = Some(self.status(property.span, status_name)?),
                ["default", _] => keyword.default = text,
                ["since", release] => {
                    let release =
                        release.parse().map_err(|error: ReleaseError| self.at(property.span, &format!("{error}")));
                    keyword.since = Some(release?);
                }
                ["build", _] => keyword.build = text,
                ["once"] => keyword.once = true,
                ["replaced", _] => keyword.replaced = text,
                ["renamed", _] => keyword.renamed = text,
                ["denies", _] => keyword.denies = text,
                _ => return Err(self.at(property.span, &format!("unknown property '{}'", words.join(" ")))),
            }
        }
        (keyword.value, keyword.missing) = value.ok_or_else(|| self.at(statement.span, "no value"))?;
        keyword.status = status.ok_or_else(|| self.at(statement.span, "no status"))?;
        Ok((kind.clone(), keyword))
    }

    fn status(&self, span: Span, name: &str) -> Result<Status, String> {
        let all = [Status::Effective, Status::Planned, Status::NoEffect, Status::Removed];
        let found = all.into_iter().find(|status| status.name() == name);
        found.ok_or_else(|| self.at(span, &format!("unknown status '{name}'")))
    }

    fn value(&self, span: Span, words: &[&str]) -> Result<(Value, Missing), String> {
        let (words, missing) = match words {
            [rest @ .., "optional"] => (rest, Missing::Allowed),
            [rest @ .., "complain"] => (rest, Missing::Complains),
            _ => (words, Missing::Exits),
        };
        let whole = |text: &str| text.parse().map_err(|_| self.at(span, &format!("'{text}' is not a whole number")));
        let micros = |text: &str, scale: u128| match Decimal::parse(text.as_bytes(), 6) {
            Some(Decimal { scaled, too_many_places: false }) => Ok(scaled * scale / MICROS),
            _ => Err(self.at(span, &format!("'{text}' is not a decimal number"))),
        };
        let value = match words {
            ["none"] => return Ok((Value::None, Missing::Allowed)),
            ["unsigned" | "integer", min, max] => Value::Integer { min: whole(min)?, max: whole(max)? },
            ["seconds", min, max] => Value::Seconds { min: micros(min, MICROS)?, max: micros(max, MICROS)? },
            ["milliseconds", min, max] => Value::Milliseconds { min: micros(min, 1000)?, max: micros(max, 1000)? },
            ["boolean"] => Value::Boolean,
            ["text"] => Value::Text,
            ["command"] => Value::Command,
            ["interface"] => Value::Interface,
            ["address"] => Value::Address,
            ["forwarding"] => Value::Forwarding,
            ["choice", words @ ..] => Value::Choice(words.iter().map(|word| (*word).to_owned()).collect()),
            ["pairs", words @ ..] => Value::Pairs(words.iter().map(|word| (*word).to_owned()).collect()),
            ["free", text] => Value::Free((*text).to_owned()),
            ["block"] => return Ok((Value::Block { named: false }, Missing::Allowed)),
            ["named-block"] => Value::Block { named: true },
            ["lines"] => return Ok((Value::Lines { named: false }, Missing::Allowed)),
            ["named-lines"] => Value::Lines { named: true },
            _ => return Err(self.at(span, &format!("unknown value type '{}'", words.join(" ")))),
        };
        Ok((value, missing))
    }
}
