//! Files, spans, lines and columns.
