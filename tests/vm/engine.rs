//! The two ways to a Linux with IPVS: user-mode Linux, which boots in a second, and qemu, which works everywhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::initramfs::Initramfs;

/// Modules that qemu's guest needs before it can see the host's files, in the order they load.
const BOOT_MODULES: [&str; 11] = [
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "netfs",
    "fscache",
    "9pnet",
    "9pnet_virtio",
    "9p",
    "overlay",
];

/// Where Debian's packages put things.
pub const BUSYBOX: &str = "/bin/busybox";
const UML: &str = "/usr/bin/linux.uml";
const UML_MODULES: &str = "/usr/lib/uml/modules";
const QEMU: &str = "qemu-system-x86_64";

/// Memory of the guest, in MiB.
const MEMORY_MB: u32 = 768;

/// A kernel, a way to run it, and its modules.
pub enum Engine {
    /// user-mode Linux: the guest's programs run at the speed of the host.
    Uml {
        /// `lib/modules/VERSION`
        modules: PathBuf,
    },
    /// A Debian kernel under software emulation.
    Qemu {
        /// An ELF or bzImage file.
        kernel: PathBuf,
        /// `lib/modules/VERSION`
        modules: PathBuf,
    },
}

impl Engine {
    /// The faster one of those that work here; `ALIVED_VM_ENGINE=uml` or `qemu` decides otherwise.
    pub fn choose() -> Result<Engine, String> {
        if !Path::new(BUSYBOX).exists() {
            return Err("busybox is missing: apt-get install busybox-static".to_owned());
        }
        let wish = std::env::var("ALIVED_VM_ENGINE").ok();
        match wish.as_deref() {
            Some("uml") => Engine::uml(),
            Some("qemu") => Engine::qemu(),
            Some(other) => Err(format!("ALIVED_VM_ENGINE is uml or qemu, not {other}")),
            None if uml_runs_here() => Engine::uml(),
            None => Engine::qemu(),
        }
    }

    fn uml() -> Result<Engine, String> {
        let modules = only_directory(UML_MODULES.as_ref());
        match modules.filter(|_| Path::new(UML).exists()) {
            Some(modules) => Ok(Engine::Uml { modules }),
            None => Err("user-mode Linux is missing: apt-get install user-mode-linux".to_owned()),
        }
    }

    fn qemu() -> Result<Engine, String> {
        if Command::new(QEMU).arg("--version").stdout(Stdio::null()).status().is_err() {
            return Err(format!("{QEMU} is missing: apt-get install qemu-system-x86"));
        }
        let unpacked = debian_kernel()?;
        let modules = only_directory(&unpacked.join("lib/modules")).ok_or("the kernel package has no modules")?;
        Ok(Engine::Qemu { kernel: unpacked.join("kernel"), modules })
    }

    /// The variables that `init.sh` expects, as lines of shell.
    fn variables(&self, job: &Path, load: &str) -> String {
        let (engine, busybox, modules) = match self {
            Engine::Uml { modules } => ("uml", BUSYBOX, modules),
            Engine::Qemu { modules, .. } => ("qemu", "/bin/busybox", modules),
        };
        let (job, modules) = (job.display(), modules.display());
        format!("ENGINE={engine} B={busybox} JOB='{job}' MODULES='{modules}' LOAD='{load}'\n")
    }

    /// The command that boots the guest; it runs `command` in `job`, with the modules `load`.
    pub fn boot(&self, job: &Path, load: &str) -> Result<Command, String> {
        let failed = |what: &str, error: std::io::Error| format!("{what}: {error}");
        let init = self.variables(job, load) + include_str!("init.sh");
        match self {
            Engine::Uml { .. } => {
                let path = job.join("init");
                fs::write(&path, format!("#!{BUSYBOX} sh\n{init}")).map_err(|error| failed("writing init", error))?;
                make_executable(&path).map_err(|error| failed("writing init", error))?;
                let mut command = Command::new(UML);
                // Guest memory is a file: one that stays in memory.
                command.env("TMPDIR", "/dev/shm").env("HOME", job);
                command.args([&format!("mem={MEMORY_MB}M"), "root=none", "rootfstype=hostfs", "rootflags=/", "ro"]);
                command.args(["quiet", "con=null", "con0=null,fd:1", "umid=vm"]);
                command.arg(format!("init={}", path.display())).arg(format!("uml_dir={}/", job.display()));
                Ok(command)
            }
            Engine::Qemu { kernel, modules } => {
                let archive = job.join("initramfs");
                fs::write(&archive, boot_archive(modules, &init)?)
                    .map_err(|error| failed("writing initramfs", error))?;
                let mut command = Command::new(QEMU);
                command.args(["-M", "q35,hpet=off,usb=off", "-accel", "tcg,thread=multi", "-cpu", "max"]);
                command.args(["-m", &MEMORY_MB.to_string(), "-nodefaults", "-no-reboot", "-display", "none"]);
                command.args(["-serial", "file:/dev/stdout", "-kernel"]).arg(kernel).arg("-initrd").arg(&archive);
                command.args([
                    "-append",
                    "console=ttyS0 quiet panic=-1 mitigations=off nopti nokaslr no_timer_check random.trust_cpu=on \
                     cryptomgr.notests rcupdate.rcu_expedited=1 audit=0 apparmor=0 selinux=0",
                ]);
                share(&mut command, "root", Path::new("/"), ",readonly=on,multidevs=remap");
                share(&mut command, "job", job, "");
                Ok(command)
            }
        }
    }
}

/// Shares a directory of the host over 9p.
fn share(command: &mut Command, tag: &str, path: &Path, options: &str) {
    let path = path.display();
    command.arg("-fsdev").arg(format!("local,id={tag},path={path},security_model=none{options}"));
    command.arg("-device").arg(format!("virtio-9p-pci,fsdev={tag},mount_tag={tag}"));
}

/// User-mode Linux up to 6.1 keeps at most 2696 bytes of a process's registers; with AMX there are 11 kB, and it
/// panics at the first program.
fn uml_runs_here() -> bool {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    Path::new(UML).exists() && !cpu.split_whitespace().any(|flag| flag == "amx_tile")
}

/// busybox, the boot modules and the init script.
fn boot_archive(modules: &Path, init: &str) -> Result<Vec<u8>, String> {
    let mut archive = Initramfs::default();
    for directory in ["bin", "modules", "proc", "dev", "sys", "memory", "lower"] {
        archive.directory(directory);
    }
    let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    archive.file("bin/busybox", &read(BUSYBOX.as_ref())?);
    archive.file("init", format!("#!/bin/busybox sh\n{init}").as_bytes());
    for (position, name) in BOOT_MODULES.iter().enumerate() {
        // What is not a module is built in.
        if let Some(path) = find(modules, &format!("{name}.ko")) {
            archive.file(&format!("modules/{position:02}-{name}.ko"), &read(&path)?);
        }
    }
    Ok(archive.finish())
}

/// Debian's current kernel package, unpacked below the build directory, with its image as `kernel`. It is downloaded
/// when it is not there yet.
fn debian_kernel() -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vm-kernel");
    if target.exists() {
        return Ok(target);
    }
    let script = r#"
        set -e
        package=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\).*/\1/p' | head -1)
        [ -n "$package" ] || { echo "apt knows no linux-image-amd64: apt-get update" >&2; exit 1; }
        apt-get download -q "$package" >&2
        dpkg-deb -x "$package"_*.deb unpacked
        busybox depmod -b unpacked "$(ls unpacked/lib/modules)"
        mv unpacked/boot/vmlinuz-* unpacked/kernel
    "#;
    let failed = |what: String| format!("getting a kernel for qemu (package linux-image-amd64): {what}");
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(|error| failed(error.to_string()))?;
    let output = Command::new("sh").args(["-c", script]).current_dir(directory.path()).output();
    let output = output.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let unpacked = directory.path().join("unpacked");
    unpack_image(&unpacked.join("kernel"));
    fs::rename(unpacked, &target).map_err(|error| failed(error.to_string()))?;
    Ok(target)
}

/// Replaces a compressed image by the ELF file inside, which boots some seconds faster under emulation. Without xz, or
/// with another compression, it stays what it is (linux/Documentation/arch/x86/boot.rst).
fn unpack_image(kernel: &Path) {
    let Ok(image) = fs::read(kernel) else { return };
    let u32_at = |at: usize| image.get(at..at + 4)?.first_chunk().copied().map(u32::from_le_bytes);
    let payload = || {
        let start = (usize::from(*image.get(0x1f1)?) + 1) * 512 + u32_at(0x248)? as usize;
        // The last four bytes are the length of what is inside.
        image.get(start..start + (u32_at(0x24c)? as usize).checked_sub(4)?)
    };
    let Some(payload) = payload().filter(|payload| payload.starts_with(b"\xfd7zXZ")) else { return };
    let packed = kernel.with_extension("xz");
    if fs::write(&packed, payload).is_ok() {
        let output = Command::new("xz").arg("-dc").arg(&packed).output();
        if let Ok(output) = output.as_ref().map(|output| &output.stdout).map_err(drop)
            && output.starts_with(b"\x7fELF")
        {
            let _ = fs::write(kernel, output);
        }
    }
}

fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

fn only_directory(parent: &Path) -> Option<PathBuf> {
    fs::read_dir(parent).ok()?.flatten().map(|entry| entry.path()).find(|path| path.is_dir())
}

fn find(directory: &Path, name: &str) -> Option<PathBuf> {
    fs::read_dir(directory).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        if path.is_dir() { find(&path, name) } else { path.ends_with(name).then_some(path) }
    })
}
