//! A cpio archive of the kind the kernel unpacks at boot (linux/Documentation/driver-api/early-userspace/buffer-format.rst).

/// `S_IFDIR | 0755`, `S_IFREG | 0755`
const DIRECTORY: u32 = 0o040755;
const FILE: u32 = 0o100755;

/// An archive being written.
#[derive(Default)]
pub struct Initramfs(Vec<u8>);

impl Initramfs {
    /// Adds a directory.
    pub fn directory(&mut self, name: &str) {
        self.entry(name, DIRECTORY, &[]);
    }

    /// Adds an executable file.
    pub fn file(&mut self, name: &str, content: &[u8]) {
        self.entry(name, FILE, content);
    }

    /// The archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.0
    }

    fn entry(&mut self, name: &str, mode: u32, content: &[u8]) {
        // magic, inode, mode, uid, gid, links, mtime, size, device ×4, length of the name with its NUL, checksum
        let (size, name_size) = (content.len(), name.len() + 1);
        let header = format!("070701{0:08x}{mode:08x}{0:08x}{0:08x}{1:08x}{0:08x}{size:08x}", 0, 1);
        let rest = format!("{0:08x}{0:08x}{0:08x}{0:08x}{name_size:08x}{0:08x}", 0);
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(rest.as_bytes());
        self.padded(name.as_bytes(), 1);
        self.padded(content, 0);
    }

    /// Appends `bytes`, at least `zeros` zero bytes, and more of them up to the next multiple of four.
    fn padded(&mut self, bytes: &[u8], zeros: usize) {
        self.0.extend_from_slice(bytes);
        self.0.resize((self.0.len() + zeros).next_multiple_of(4), 0);
    }
}
