//! TLS by the system's OpenSSL, which is opened when the first SSL_GET needs it. The functions are those of
//! `openssl/ssl.h`, in every OpenSSL since 1.1.0.
//!
//! Opened and not linked: alived then builds without OpenSSL's headers, starts without its library, and takes the system's
//! security fixes and its openssl.cnf without being built again.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_ulong, c_void};
use std::io;
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::Arc;

use socket2::Socket;

/// The names of the library, newest first.
const NAMES: [&CStr; 2] = [c"libssl.so.3", c"libssl.so.1.1"];

const SSL_ERROR_WANT_READ: c_int = 2;
const SSL_ERROR_WANT_WRITE: c_int = 3;
const SSL_ERROR_SYSCALL: c_int = 5;
const SSL_ERROR_ZERO_RETURN: c_int = 6;
const SSL_FILETYPE_PEM: c_int = 1;
const SSL_VERIFY_PEER: c_int = 1;
/// `SSL_CTRL_SET_TLSEXT_HOSTNAME` and `TLSEXT_NAMETYPE_host_name`: what `SSL_set_tlsext_host_name` is made of.
const SET_HOST_NAME: c_int = 55;
const HOST_NAME: c_long = 0;
/// `SSL_CTRL_MODE`, and `SSL_MODE_RELEASE_BUFFERS`: idle connections keep no buffers.
const SET_MODE: c_int = 33;
const RELEASE_BUFFERS: c_long = 0x10;
const X509_V_OK: c_long = 0;

macro_rules! functions {
    ($($name:ident($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// What is used of the library.
        #[allow(non_snake_case)]
        struct Functions {
            $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Functions {
            /// Finds them all.
            ///
            /// # Safety
            /// `library` is an open libssl, which is never closed.
            unsafe fn find(library: *mut c_void) -> Result<Functions, String> {
                Ok(Functions {
                    $($name: {
                        // SAFETY: the library is open, and the name ends in a NUL.
                        let found = unsafe { libc::dlsym(library, concat!(stringify!($name), "\0").as_ptr().cast()) };
                        if found.is_null() {
                            return Err(concat!("OpenSSL has no ", stringify!($name)).to_owned());
                        }
                        // SAFETY: the library has a function of this name, whose type openssl/ssl.h gives.
                        unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C" fn($($argument),*) $(-> $result)?>(found) }
                    },)*
                })
            }
        }
    };
}

functions! {
    TLS_client_method() -> *const c_void;
    SSL_CTX_new(*const c_void) -> *mut c_void;
    SSL_CTX_free(*mut c_void);
    SSL_CTX_ctrl(*mut c_void, c_int, c_long, *mut c_void) -> c_long;
    SSL_CTX_use_certificate_chain_file(*mut c_void, *const c_char) -> c_int;
    SSL_CTX_use_PrivateKey_file(*mut c_void, *const c_char, c_int) -> c_int;
    SSL_CTX_set_default_passwd_cb_userdata(*mut c_void, *mut c_void);
    SSL_CTX_load_verify_locations(*mut c_void, *const c_char, *const c_char) -> c_int;
    SSL_CTX_set_default_verify_paths(*mut c_void) -> c_int;
    SSL_new(*mut c_void) -> *mut c_void;
    SSL_free(*mut c_void);
    SSL_set_fd(*mut c_void, c_int) -> c_int;
    SSL_ctrl(*mut c_void, c_int, c_long, *mut c_void) -> c_long;
    SSL_set_quiet_shutdown(*mut c_void, c_int);
    SSL_set_verify(*mut c_void, c_int, *const c_void);
    SSL_get0_param(*mut c_void) -> *mut c_void;
    SSL_get_verify_result(*const c_void) -> c_long;
    SSL_connect(*mut c_void) -> c_int;
    SSL_read(*mut c_void, *mut c_void, c_int) -> c_int;
    SSL_write(*mut c_void, *const c_void, c_int) -> c_int;
    SSL_shutdown(*mut c_void) -> c_int;
    SSL_get_error(*const c_void, c_int) -> c_int;
    X509_VERIFY_PARAM_set1_host(*mut c_void, *const c_char, usize) -> c_int;
    X509_VERIFY_PARAM_set1_ip_asc(*mut c_void, *const c_char) -> c_int;
    X509_verify_cert_error_string(c_long) -> *const c_char;
    ERR_clear_error();
    ERR_get_error() -> c_ulong;
    ERR_reason_error_string(c_ulong) -> *const c_char;
}

/// What clients do in common: which certificates they show, and whom they trust.
pub struct Context {
    functions: Arc<Functions>,
    context: *mut c_void,
}

/// One end of a TLS connection over a socket that does not block.
pub struct Session {
    functions: Arc<Functions>,
    session: *mut c_void,
    socket: Socket,
}

/// What became of an attempt to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// Done, with so many octets.
    Done(usize),
    /// To be tried again when the socket is readable.
    WantsRead,
    /// To be tried again when the socket is writable.
    WantsWrite,
    /// The other side ended the connection as it should.
    Closed,
    /// It is over; why.
    Failed(String),
}

impl Context {
    /// Opens the library; the reason when that is not possible.
    pub fn new() -> Result<Context, String> {
        // SAFETY: the names end in a NUL; libssl runs its initialisation, as for any program linked with it.
        let open = |name: &CStr| unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        let library = NAMES.iter().map(|name| open(name)).find(|library| !library.is_null());
        let library = library.ok_or("libssl.so.3 cannot be opened: install OpenSSL (Debian: libssl3)")?;
        // SAFETY: it was just opened, and nothing here closes it.
        let functions = Arc::new(unsafe { Functions::find(library) }?);
        // SAFETY: the method is a constant of the library; the context is owned by the value made of it.
        let context = unsafe { (functions.SSL_CTX_new)((functions.TLS_client_method)()) };
        if context.is_null() {
            return Err(functions.reason("OpenSSL makes no context"));
        }
        // SAFETY: a live context, and a control that takes a number.
        unsafe { (functions.SSL_CTX_ctrl)(context, SET_MODE, RELEASE_BUFFERS, ptr::null_mut()) };
        Ok(Context { functions, context })
    }

    /// Shows this certificate, with those that vouch for it, to servers that ask.
    pub fn use_certificate(&mut self, path: &str) -> Result<(), String> {
        let file = c_string(path)?;
        // SAFETY: a live context and a C string.
        let done = unsafe { (self.functions.SSL_CTX_use_certificate_chain_file)(self.context, file.as_ptr()) };
        self.checked(done, path)
    }

    /// The key of the certificate, and the password of its file.
    pub fn use_key(&mut self, path: &str, password: Option<&str>) -> Result<(), String> {
        let (file, password) = (c_string(path)?, c_string(password.unwrap_or_default())?);
        let functions = &self.functions;
        // SAFETY: a live context; the library's own callback takes the user data for the password, and it is taken back
        // before it goes.
        let done = unsafe {
            (functions.SSL_CTX_set_default_passwd_cb_userdata)(self.context, password.as_ptr().cast_mut().cast());
            let done = (functions.SSL_CTX_use_PrivateKey_file)(self.context, file.as_ptr(), SSL_FILETYPE_PEM);
            (functions.SSL_CTX_set_default_passwd_cb_userdata)(self.context, ptr::null_mut());
            done
        };
        self.checked(done, path)
    }

    /// Trusts the authorities in this file.
    pub fn trust(&mut self, path: &str) -> Result<(), String> {
        let file = c_string(path)?;
        // SAFETY: a live context and a C string; a directory may be null.
        let done = unsafe { (self.functions.SSL_CTX_load_verify_locations)(self.context, file.as_ptr(), ptr::null()) };
        self.checked(done, path)
    }

    /// Trusts the authorities that the system trusts.
    pub fn trust_system(&mut self) -> Result<(), String> {
        // SAFETY: a live context.
        let done = unsafe { (self.functions.SSL_CTX_set_default_verify_paths)(self.context) };
        self.checked(done, "the system's certificates")
    }

    fn checked(&self, result: c_int, what: &str) -> Result<(), String> {
        if result == 1 { Ok(()) } else { Err(format!("{what}: {}", self.functions.reason("OpenSSL refuses it"))) }
    }

    /// A client's end over `socket`, which is connected and does not block. `name` is sent as the server's;
    /// `is_quiet` leaves the connection without a word.
    pub fn session(&self, socket: Socket, name: Option<&str>, is_quiet: bool) -> Result<Session, String> {
        // SAFETY: a live context; the session is owned by the value made of it.
        let session = unsafe { (self.functions.SSL_new)(self.context) };
        if session.is_null() {
            return Err(self.functions.reason("OpenSSL makes no connection"));
        }
        let session = Session { functions: Arc::clone(&self.functions), session, socket };
        let functions = &session.functions;
        // SAFETY: a live session; its descriptor lives as long as it does, and the name is copied.
        unsafe {
            (functions.SSL_set_fd)(session.session, session.socket.as_raw_fd());
            (functions.SSL_set_quiet_shutdown)(session.session, is_quiet.into());
            if let Some(name) = name {
                let name = c_string(name)?;
                (functions.SSL_ctrl)(session.session, SET_HOST_NAME, HOST_NAME, name.as_ptr().cast_mut().cast());
            }
        }
        Ok(session)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: it is ours and not used after this; sessions hold a count of their own.
        unsafe { (self.functions.SSL_CTX_free)(self.context) };
    }
}

impl Session {
    /// Only a certificate that a trusted authority gave to `host`, a name or an address, is good.
    pub fn verify(&mut self, host: &str) -> Result<(), String> {
        let name = c_string(host)?;
        // SAFETY: a live session, whose parameters are its own; the name is copied.
        let done = unsafe {
            (self.functions.SSL_set_verify)(self.session, SSL_VERIFY_PEER, ptr::null());
            let parameters = (self.functions.SSL_get0_param)(self.session);
            match (self.functions.X509_VERIFY_PARAM_set1_ip_asc)(parameters, name.as_ptr()) {
                1 => 1,
                _ => (self.functions.X509_VERIFY_PARAM_set1_host)(parameters, name.as_ptr(), 0),
            }
        };
        // SAFETY: no argument.
        unsafe { (self.functions.ERR_clear_error)() };
        if done == 1 { Ok(()) } else { Err(format!("{host} is no name that a certificate could have")) }
    }

    /// The socket beneath.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Agrees on keys.
    pub fn connect(&mut self) -> Attempt {
        // SAFETY: a live session with a descriptor.
        self.attempt(|functions, session| unsafe { (functions.SSL_connect)(session) })
    }

    /// Reads into `buffer`.
    pub fn read(&mut self, buffer: &mut [u8]) -> Attempt {
        let length = c_int::try_from(buffer.len()).unwrap_or(c_int::MAX);
        // SAFETY: a live session, and a buffer of at least this length.
        self.attempt(|functions, session| unsafe { (functions.SSL_read)(session, buffer.as_mut_ptr().cast(), length) })
    }

    /// Sends from `octets`, of which there must be some.
    pub fn write(&mut self, octets: &[u8]) -> Attempt {
        let length = c_int::try_from(octets.len()).unwrap_or(c_int::MAX);
        // SAFETY: a live session, and as many octets as are told.
        self.attempt(|functions, session| unsafe { (functions.SSL_write)(session, octets.as_ptr().cast(), length) })
    }

    /// Says goodbye without waiting for an answer.
    pub fn close(&mut self) {
        // SAFETY: a live session whose handshake is over.
        let _ = self.attempt(|functions, session| unsafe { (functions.SSL_shutdown)(session) });
    }

    fn attempt(&mut self, act: impl FnOnce(&Functions, *mut c_void) -> c_int) -> Attempt {
        let functions = &*self.functions;
        // SAFETY: no argument: what an earlier call left must not be taken for ours.
        unsafe { (functions.ERR_clear_error)() };
        let result = act(functions, self.session);
        let system = io::Error::last_os_error();
        if let Ok(length @ 1..) = usize::try_from(result) {
            return Attempt::Done(length);
        }
        // SAFETY: a live session, and what its last function returned.
        match unsafe { (functions.SSL_get_error)(self.session, result) } {
            SSL_ERROR_WANT_READ => Attempt::WantsRead,
            SSL_ERROR_WANT_WRITE => Attempt::WantsWrite,
            SSL_ERROR_ZERO_RETURN => Attempt::Closed,
            SSL_ERROR_SYSCALL => Attempt::Failed(match system.raw_os_error() {
                Some(errno) if errno != 0 && result < 0 => system.to_string(),
                _ => "the connection ended without a word".to_owned(),
            }),
            _ => Attempt::Failed(self.why()),
        }
    }

    fn why(&self) -> String {
        // SAFETY: a live session.
        let verdict = unsafe { (self.functions.SSL_get_verify_result)(self.session) };
        let reason = self.functions.reason("TLS failed");
        if verdict == X509_V_OK || !reason.contains("verify") {
            return reason;
        }
        // SAFETY: gives a constant C string for every number.
        let verdict = unsafe { CStr::from_ptr((self.functions.X509_verify_cert_error_string)(verdict)) };
        format!("{reason}: {}", verdict.to_string_lossy())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: it is ours and not used after this; the descriptor is still open and is not the library's.
        unsafe { (self.functions.SSL_free)(self.session) };
    }
}

impl Functions {
    /// The reason of the oldest error, else `otherwise`.
    fn reason(&self, otherwise: &str) -> String {
        // SAFETY: no argument; the text is a constant of the library, or null.
        let text = unsafe { (self.ERR_reason_error_string)((self.ERR_get_error)()) };
        if text.is_null() {
            return otherwise.to_owned();
        }
        // SAFETY: not null, so a C string that is never freed.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    }
}

fn c_string(text: &str) -> Result<CString, String> {
    CString::new(text).map_err(|_| format!("{text:?} has a NUL in it"))
}
