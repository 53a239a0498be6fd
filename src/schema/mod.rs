//! What the files in `grammar/` say, as values.
