//! The few tags of a TIFF's first directory that tell camera raw from a picture.
//!
//! Sources: TIFF 6.0, section 2 (directories), and the DNG specification (tag 50706).

const NEW_SUBFILE_TYPE: u16 = 254;
const MAKE: u16 = 271;
const SUB_DIRECTORIES: u16 = 330;
const DNG_VERSION: u16 = 50706;
const ENTRY_BYTES: usize = 12;

/// What the first directory says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FirstDirectory {
    pub(crate) has_dng_version: bool,
    pub(crate) has_sub_directories: bool,
    /// Bit 0 of the new subfile type: a reduced version of another picture in the file.
    pub(crate) is_reduced: bool,
    maker_at: Option<usize>,
}

impl FirstDirectory {
    /// Reads the directory that the header points to; `None` when it lies outside the file.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let reader = Reader { bytes, is_big_endian: bytes.first() == Some(&b'M') };
        let start = reader.long(4)?;
        let count = usize::from(reader.short(start)?);
        let mut directory = Self::default();
        for index in 0..count {
            let entry = start.checked_add(2 + index * ENTRY_BYTES)?;
            let Some(tag) = reader.short(entry) else { break };
            directory.note(tag, entry, &reader);
        }
        Some(directory)
    }

    fn note(&mut self, tag: u16, entry: usize, reader: &Reader<'_>) {
        match tag {
            DNG_VERSION => self.has_dng_version = true,
            SUB_DIRECTORIES => self.has_sub_directories = true,
            NEW_SUBFILE_TYPE => {
                self.is_reduced = reader.long(entry + 8).is_some_and(|value| value & 1 == 1);
            }
            MAKE => self.maker_at = reader.long(entry + 8),
            _ => {}
        }
    }

    /// The maker's name and whatever follows it; a name of four bytes or less is not followed.
    pub(crate) fn maker<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        bytes.get(self.maker_at?..)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
}

impl Reader<'_> {
    fn short(&self, at: usize) -> Option<u16> {
        let value = crate::num::read_u16(self.bytes, at)?;
        Some(if self.is_big_endian { value.swap_bytes() } else { value })
    }

    fn long(&self, at: usize) -> Option<usize> {
        let value = crate::num::read_u32(self.bytes, at)?;
        Some(crate::num::index(if self.is_big_endian { value.swap_bytes() } else { value }))
    }
}
