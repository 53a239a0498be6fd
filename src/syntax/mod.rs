//! Text → lossless tree. Knows no keyword.
