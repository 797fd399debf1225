//! Writing a list file: sections in order with their checksums, then the header; and putting the
//! finished file in the place of the old one.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::error::ListError;
use super::format::{HEADER_LEN, Section, SectionKind, align, encode_header};
use crate::num::to_u64;
use crate::spill::Spill;

/// Bytes gathered before they go to the file. Larger pieces, such as the bands of a multi-index, go
/// there as they are.
const BUFFER_LEN: usize = 1 << 16;

/// Bytes that are added to the checksum and written at once: they are still in the cache for the
/// second of the two.
const PIECE_LEN: usize = 1 << 18;

/// Writes sections one after another, each streamed.
pub(super) struct SectionWriter<W> {
    out: W,
    position: u64,
    sections: Vec<Section>,
    checksum: Sha256,
}

impl<W: Write + Seek> SectionWriter<W> {
    /// A writer at the start of an empty file.
    pub(super) fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&[0; HEADER_LEN])?;
        let position = to_u64(HEADER_LEN);
        Ok(Self { out, position, sections: Vec::new(), checksum: Sha256::new() })
    }

    /// Writes one section; `fill` gives its bytes.
    pub(super) fn section(
        &mut self,
        kind: SectionKind,
        code: u32,
        fill: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        let offset = align(self.position);
        io::copy(&mut io::repeat(0).take(offset - self.position), &mut self.out)?;
        self.position = offset;
        self.checksum = Sha256::new();
        fill(self)?;
        let checksum = std::mem::take(&mut self.checksum).finalize().into();
        let len = self.position - offset;
        self.sections.push(Section { kind: Some(kind), code, offset, len, checksum });
        Ok(())
    }

    /// Writes a section that is in memory.
    pub(super) fn bytes(&mut self, kind: SectionKind, code: u32, bytes: &[u8]) -> io::Result<()> {
        self.section(kind, code, |out| out.write_all(bytes))
    }

    /// Writes a section that was spilled to a file.
    pub(super) fn spilled(&mut self, kind: SectionKind, spill: &Spill) -> io::Result<()> {
        self.section(kind, 0, |out| io::copy(&mut spill.read_all(), out).map(drop))
    }

    /// Writes the header over the placeholder and gives the output back.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let header = encode_header(&self.sections, self.position);
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for SectionWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(&bytes[..bytes.len().min(PIECE_LEN)])?;
        self.checksum.update(&bytes[..written]);
        self.position += to_u64(written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a file beside `path` and renames it over `path`: whatever happens, the old file or the
/// whole new one stands there.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(BufWriter<File>) -> Result<BufWriter<File>, ListError>,
) -> Result<(), ListError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let fail = |source| ListError::io("write the list", source).at(path);
    // Run by root, the rename would put a file in the place of /dev/null or of a named pipe.
    if path.metadata().is_ok_and(|old| !old.is_file()) {
        return Err(fail(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    let temporary = tempfile::Builder::new()
        .prefix(".onceseen-")
        .suffix(".tmp")
        .permissions_like_a_new_file()
        .tempfile_in(directory)
        .map_err(fail)?;
    let file = temporary.reopen().map_err(fail)?;
    let file = write(BufWriter::with_capacity(BUFFER_LEN, file)).map_err(|error| error.at(path))?;
    file.into_inner().map_err(|error| fail(error.into_error()))?.sync_all().map_err(fail)?;
    temporary.persist(path).map_err(|error| fail(error.error))?;
    sync_directory(directory).map_err(fail)
}

/// A rename is only safe against a power cut once the directory is written too.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Temporary files are private by default; a list must be readable by the same people as any file
/// that its user makes.
trait PermissionsLikeANewFile {
    fn permissions_like_a_new_file(&mut self) -> &mut Self;
}

impl PermissionsLikeANewFile for tempfile::Builder<'_, '_> {
    #[cfg(unix)]
    fn permissions_like_a_new_file(&mut self) -> &mut Self {
        use std::os::unix::fs::PermissionsExt;
        // The process's umask is applied on top, as for any new file.
        self.permissions(std::fs::Permissions::from_mode(0o666))
    }

    #[cfg(not(unix))]
    fn permissions_like_a_new_file(&mut self) -> &mut Self {
        self
    }
}
