//! Writing the bytes of a list: sections in order with their checksums, then the header.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

use super::format::{HEADER_LEN, Section, SectionKind, align, encode_header};
use super::output::Output;
use crate::num::to_u64;
use crate::spill::Spill;

/// Bytes that are added to the checksum and handed on at once: they are still in the cache for the
/// second of the two.
const PIECE_LEN: usize = 1 << 18;

/// Writes sections one after another, each streamed.
pub(super) struct SectionWriter<W> {
    out: W,
    position: u64,
    sections: Vec<Section>,
    checksum: Sha256,
}

impl<W: Output> SectionWriter<W> {
    /// A writer at the start of an empty output.
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
        self.out.put_header(&header)?;
        Ok(self.out)
    }
}

impl<W: Output> Write for SectionWriter<W> {
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
