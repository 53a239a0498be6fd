//! What has a name in a file, and where that name is used: scripts, instances, groups, tracked things, definitions of
//! `$NAME`, and files that are included.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::config::Files;
use crate::schema::ROOT;
use crate::source::{SourceId, SourceMap, Span};
use crate::syntax::{Statement, Token, TokenKind, Tree, Word, lex, parse};

use super::caret::{Caret, applied, inner_path};

/// What a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Script,
    Instance,
    SyncGroup,
    File,
    Process,
    Bfd,
    ServerGroup,
    Variable,
}

/// A name where it is defined, or where it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Symbol {
    pub kind: Kind,
    pub name: String,
    /// The name alone, without quotes and dollars.
    pub span: Span,
    pub defines: bool,
}

/// The outermost keywords whose first argument is a name.
const DEFINITIONS: [(&str, Kind); 9] = [
    ("vrrp_script", Kind::Script),
    ("vrrp_instance", Kind::Instance),
    ("vrrp_sync_group", Kind::SyncGroup),
    ("track_file", Kind::File),
    ("vrrp_track_file", Kind::File),
    ("vrrp_track_process", Kind::Process),
    ("track_process", Kind::Process),
    ("bfd_instance", Kind::Bfd),
    ("virtual_server_group", Kind::ServerGroup),
];

/// The blocks whose lines begin with a name.
const USES: [(&str, Kind); 10] = [
    ("vrrp_instance.track_script", Kind::Script),
    ("vrrp_sync_group.track_script", Kind::Script),
    ("vrrp_instance.track_file", Kind::File),
    ("vrrp_sync_group.track_file", Kind::File),
    ("vrrp_instance.track_process", Kind::Process),
    ("vrrp_sync_group.track_process", Kind::Process),
    ("vrrp_instance.track_bfd", Kind::Bfd),
    ("vrrp_sync_group.track_bfd", Kind::Bfd),
    ("vrrp_sync_group.group", Kind::Instance),
    ("track_group.group", Kind::Instance),
];

/// The keywords inside blocks whose first argument is a name.
const MENTIONS: [(&str, &str, Kind); 2] = [
    ("virtual_server.real_server.FILE_CHECK", "track_file", Kind::File),
    ("virtual_server.real_server.BFD_CHECK", "name", Kind::Bfd),
];

/// How many files one configuration may be spread over before the rest is not looked at.
const MOST_FILES: usize = 1000;

/// What kind of name the lines of the block at `path` begin with.
pub(super) fn used_in(path: &str) -> Option<Kind> {
    USES.iter().find(|(block, _)| *block == path).map(|(_, kind)| *kind)
}

/// A file of a project.
pub(super) struct File {
    pub source: SourceId,
    pub tree: Tree,
    /// The path of the block that the file is included in.
    pub base: String,
}

/// A file and those that it includes, read as they stand in the editor: what is written, not what it expands to.
pub(super) struct Project {
    pub sources: SourceMap,
    pub files: Vec<File>,
    /// Which of the files the question is about.
    asked: usize,
}

impl Project {
    /// Reads `entry` and what it includes, for a question about `asked`, which is one of these files.
    pub fn read(entry: &Path, asked: &Path, files: &dyn Files) -> Project {
        let mut project = Project { sources: SourceMap::default(), files: Vec::new(), asked: 0 };
        let mut waiting = vec![(entry.to_owned(), ROOT.to_owned())];
        let mut seen = BTreeSet::from([entry.to_owned()]);
        while let Some((path, base)) = waiting.pop().filter(|_| project.files.len() < MOST_FILES) {
            let Ok(bytes) = files.read(&path) else { continue };
            let source = project.sources.add(path.clone(), bytes);
            let tree = parse(&project.sources, source);
            let mut found = Vec::new();
            walk(&tree.statements, &base, &mut |block, statement| {
                let paths = included(&path, statement, files).into_iter();
                found.extend(paths.map(|path| (path, block.to_owned())));
            });
            waiting.extend(found.into_iter().filter(|(path, _)| seen.insert(path.clone())));
            if path == asked {
                project.asked = project.files.len();
            }
            project.files.push(File { source, tree, base });
        }
        project
    }

    /// The file that the question is about; `None` when it could not be read.
    pub fn asked(&self) -> Option<&File> {
        self.files.get(self.asked)
    }

    /// The place at `offset` of the file that is asked about.
    pub fn caret(&self, offset: u32) -> Option<Caret<'_>> {
        let File { source, tree, base } = self.asked()?;
        Some(Caret::at(self.sources.file(*source).bytes(), &tree.statements, base, offset))
    }

    /// Every name in every file.
    pub fn symbols(&self) -> Vec<Symbol> {
        let mut found = Vec::new();
        for file in &self.files {
            walk(&file.tree.statements, &file.base, &mut |path, statement| names_of(path, statement, &mut found));
            variables(&self.sources, file.source, &mut found);
        }
        found
    }

    /// The name at `offset` of the file that is asked about.
    pub fn symbol_at(&self, offset: u32) -> Option<Symbol> {
        let source = self.asked()?.source;
        let touches = |span: Span| span.source == source && span.start <= offset && offset <= span.end;
        self.symbols().into_iter().find(|symbol| touches(symbol.span))
    }
}

fn names_of(path: &str, statement: &Statement, found: &mut Vec<Symbol>) {
    let words = applied(statement);
    let Some(keyword) = words.first() else { return };
    let mut add = |kind, word: &Word, defines| {
        found.push(Symbol { kind, name: word.text().into_owned(), span: unquoted(word), defines });
    };
    if path == ROOT {
        let definition = DEFINITIONS.iter().find(|(name, _)| name.as_bytes() == keyword.bytes);
        match (definition, words) {
            (Some((_, kind)), [_, name, ..]) => add(*kind, name, true),
            (None, [server, group, name, ..]) if server.bytes == b"virtual_server" && group.bytes == b"group" => {
                add(Kind::ServerGroup, name, false);
            }
            _ => {}
        }
    } else if let Some(kind) = used_in(path) {
        add(kind, keyword, false);
    } else if let Some(kind) = mentioned(path, &keyword.bytes) {
        words.get(1).into_iter().for_each(|name| add(kind, name, false));
    }
}

/// What kind of name follows the keyword in the block at `path`.
pub(super) fn mentioned(path: &str, keyword: &[u8]) -> Option<Kind> {
    let found = MENTIONS.iter().find(|(block, name, _)| *block == path && name.as_bytes() == keyword);
    found.map(|(.., kind)| *kind)
}

/// Shows every statement with the path of the block that it stands in.
pub(super) fn walk<'t>(statements: &'t [Statement], path: &str, visit: &mut dyn FnMut(&str, &'t Statement)) {
    for statement in statements {
        visit(path, statement);
        if let Some(block) = &statement.block {
            walk(&block.statements, &inner_path(path, statement), visit);
        }
    }
}

/// The files that an `include` line of `file` names; none for another line.
pub(super) fn included(file: &Path, statement: &Statement, files: &dyn Files) -> Vec<PathBuf> {
    let [keyword, pattern, ..] = applied(statement) else { return Vec::new() };
    let includes = [&b"include"[..], b"includer", b"includem", b"includew", b"includeb", b"includea"];
    if !includes.contains(&keyword.bytes.as_slice()) {
        return Vec::new();
    }
    let here = file.parent().unwrap_or(Path::new("/"));
    let found = files.matches(&here.join(pattern.text().as_ref()));
    found.iter().map(|path| plain(path)).collect()
}

/// Without `.` and `..`, so that an editor's path and an included one are the same.
pub(super) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// The name without its quotes.
fn unquoted(word: &Word) -> Span {
    if word.quoted { Span { start: word.span.start + 1, end: word.span.end - 1, ..word.span } } else { word.span }
}

/// `$NAME=` at the start of a line defines; `$NAME` and `${NAME}` anywhere but in a comment use. Looked for in the text:
/// to the parser the braces of `${NAME}` are braces.
fn variables(sources: &SourceMap, source: SourceId, found: &mut Vec<Symbol>) {
    let bytes = sources.file(source).bytes();
    if !bytes.contains(&b'$') {
        return;
    }
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let hidden = |token: &Token| matches!(token.kind, TokenKind::Comment | TokenKind::Nul);
    let mut line_is_blank = true;
    for token in lex(source, bytes) {
        let text = sources.slice(token.span);
        for dollar in (0..text.len()).filter(|at| text[*at] == b'$' && !hidden(&token)) {
            let after = token.span.start as usize + dollar + 1;
            let start = after + usize::from(bytes.get(after) == Some(&b'{'));
            let length = bytes[start..].iter().take_while(|byte| is_name(byte)).count();
            let name = &bytes[start..start + length];
            if name.first().is_some_and(|byte| !byte.is_ascii_digit()) {
                let defines =
                    line_is_blank && dollar == 0 && start == after && bytes.get(start + length) == Some(&b'=');
                let span = Span { source, start: start as u32, end: (start + length) as u32 };
                let name = String::from_utf8_lossy(name).into_owned();
                found.push(Symbol { kind: Kind::Variable, name, span, defines });
            }
        }
        line_is_blank = token.kind == TokenKind::Newline || (line_is_blank && token.kind == TokenKind::Space);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FileError;

    struct Two;

    impl Files for Two {
        fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
            match path.to_str() {
                Some("/x/k.conf") => Ok(b"$IF=eth0\ninclude d/scripts.conf\ninclude *.conf\n\
                    vrrp_instance VI {\n interface ${IF} # $X\n track_script {\n \"chk\" weight 2\n }\n}\n"
                    .to_vec()),
                Some("/x/d/scripts.conf") => Ok(b"vrrp_script chk {\n}\ninclude ../k.conf\n".to_vec()),
                _ => Err(FileError::NotFound),
            }
        }

        fn matches(&self, pattern: &Path) -> Vec<PathBuf> {
            if pattern.to_string_lossy().contains('*') { Vec::new() } else { vec![pattern.to_owned()] }
        }
    }

    #[test]
    fn names_are_found_where_they_are_defined_and_used_across_files() {
        let project = Project::read(Path::new("/x/k.conf"), Path::new("/x/k.conf"), &Two);
        let symbols = project.symbols();
        let found: Vec<_> = symbols.iter().map(|s| (s.kind, s.name.as_str(), s.defines)).collect();
        let expected = [
            (Kind::Instance, "VI", true),
            (Kind::Script, "chk", false),
            (Kind::Variable, "IF", true),
            (Kind::Variable, "IF", false),
            (Kind::Script, "chk", true),
        ];
        assert_eq!(found, expected);
        for symbol in &symbols {
            assert_eq!(project.sources.slice(symbol.span), symbol.name.as_bytes());
        }
    }
}
