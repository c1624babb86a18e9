//! Loads a libonnxruntime by path. The only file with unsafe code.
//!
//! Does not choose an engine and does not keep the library: once loaded it stays for ever.
#![expect(
    unsafe_code,
    reason = "a shared library can only be loaded and called through raw pointers"
)]

use std::error::Error;
use std::ffi::CStr;
use std::path::Path;

use super::runtime::RuntimeError;

/// The function table of a library, and the library's version.
pub(super) struct NativeApi {
    pub(super) api: ort::sys::OrtApi,
    pub(super) version: String,
}

/// The one function that every ONNX Runtime exports.
type GetApiBase = unsafe extern "C" fn() -> *const ort::sys::OrtApiBase;

/// Loads the library at `path` and asks it for the function table this build was made for.
///
/// # Errors
///
/// When it cannot be loaded, is no ONNX Runtime, or is too old.
pub(super) fn load(path: &Path) -> Result<NativeApi, RuntimeError> {
    let fail = |problem: String| RuntimeError::Library {
        path: path.to_owned(),
        problem,
    };
    // SAFETY: loading runs the library's initialisers. The path was named by the person who
    // starts the process, who may run any code as that user anyway.
    let library = unsafe { libloading::Library::new(path) }.map_err(|e| {
        // The loader's own words, such as the missing file, are one level down.
        let cause = e.source().map(|cause| format!(": {cause}"));
        fail(format!("{e}{}", cause.unwrap_or_default()))
    })?;
    // SAFETY: `OrtGetApiBase` has had this signature in every release of ONNX Runtime.
    let get_base = unsafe { library.get::<GetApiBase>(b"OrtGetApiBase\0") }
        .map_err(|_| fail("it is no ONNX Runtime (there is no OrtGetApiBase)".to_owned()))?;
    // SAFETY: no preconditions; the result is checked for null and lives as long as the library.
    let base = unsafe { get_base().as_ref() }
        .ok_or_else(|| fail("OrtGetApiBase gave nothing".to_owned()))?;
    // SAFETY: the version is a static, zero-terminated string of the library.
    let version = unsafe { CStr::from_ptr((base.GetVersionString)()) };
    let version = version.to_string_lossy().into_owned();
    let needed = ort::sys::ORT_API_VERSION;
    let minor = version
        .split('.')
        .nth(1)
        .and_then(|n| n.parse::<u32>().ok());
    // An old library would print to the terminal when asked for a table it does not have.
    if minor.is_none_or(|minor| minor < needed) {
        return Err(fail(format!(
            "it is version {version}, use 1.{needed} or newer"
        )));
    }
    // SAFETY: a call into the table that was checked above; null means unknown version.
    let api = unsafe { (base.GetApi)(needed) };
    if api.is_null() {
        return Err(fail(format!(
            "version {version} does not serve API {needed}"
        )));
    }
    // SAFETY: not null, and valid for as long as the library is loaded, which is for ever.
    let api = unsafe { std::ptr::read(api) };
    std::mem::forget(library);
    Ok(NativeApi { api, version })
}
