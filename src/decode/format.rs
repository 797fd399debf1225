//! Picture formats by name: what this build decodes, and what it only recognises.
//!
//! Which bytes make a format is [`super::sniff()`]'s business; decoding is [`super::codec`]'s.

use std::fmt;

const HAS_HEIC: bool = cfg!(feature = "heic");
const HAS_JXL: bool = cfg!(feature = "jxl");
const HAS_AVIF: bool = cfg!(feature = "avif");
const HAS_JPEG2000: bool = cfg!(feature = "jpeg2000");

/// A picture format, found by content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is the format that its name names")]
pub enum Format {
    Jpeg,
    Png,
    Gif,
    WebP,
    Tiff,
    Bmp,
    /// Windows icons and cursors.
    Ico,
    Qoi,
    Tga,
    /// The netpbm family: PBM, PGM, PPM, PAM.
    Pnm,
    /// HEIC and every other HEIF that is not AVIF.
    Heif,
    Avif,
    JpegXl,
    Jpeg2000,
    JpegXr,
    /// Photoshop: PSD and PSB.
    Psd,
    Dds,
    OpenExr,
    /// Radiance RGBE.
    Hdr,
    Farbfeld,
    Cr2,
    Cr3,
    Nef,
    Arw,
    Dng,
    Raf,
    Orf,
    Rw2,
    /// Camera raw of another maker in a TIFF structure.
    CameraRaw,
    Icns,
    Xcf,
    Pcx,
    Sgi,
    SunRaster,
    Fits,
    Bpg,
    Flif,
    DjVu,
    Mng,
    Jng,
    Dpx,
    Jbig2,
    Jbig,
    /// Wireless bitmap.
    Wbmp,
    Xpm,
    Xbm,
    /// A window dump of the X Window System.
    Xwd,
    /// QuickDraw picture.
    Pict,
    Cals,
    Cineon,
    /// Several PCX pictures.
    Dcx,
    /// ImageMagick's own format and its pixel cache.
    Miff,
    /// Portable float map.
    Pfm,
    Pgx,
    Sixel,
    Vicar,
    Viff,
    Vips,
    /// Kodak Photo CD.
    PhotoCd,
    /// Palm OS ImageViewer.
    PalmImage,
    Ipl,
    /// Picture for the display of a telephone.
    CiscoPhone,
    PaintShopPro,
    PaintNet,
    Dicom,
    /// Texture of version 1 or 2.
    Ktx,
    JpegXs,
    /// Windows 1 and 2 Paint.
    WindowsPaint,
    Mag,
    /// Amiga pictures in IFF.
    Ilbm,
    AnimatedCursor,
    /// Windows bitmap without a file header.
    Dib,
    Aai,
    Avs,
    Mtv,
    Svg,
    Eps,
    Emf,
    Wmf,
}

impl Format {
    /// The lower-case name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::WebP => "webp",
            Self::Tiff => "tiff",
            Self::Bmp => "bmp",
            Self::Ico => "ico",
            Self::Qoi => "qoi",
            Self::Tga => "tga",
            Self::Pnm => "pnm",
            Self::Heif => "heif",
            Self::Avif => "avif",
            Self::JpegXl => "jxl",
            Self::Jpeg2000 => "jpeg2000",
            Self::JpegXr => "jpegxr",
            Self::Psd => "psd",
            Self::Dds => "dds",
            Self::OpenExr => "exr",
            Self::Hdr => "hdr",
            Self::Farbfeld => "farbfeld",
            other => other.rare_name(),
        }
    }

    const fn rare_name(self) -> &'static str {
        match self {
            Self::Cr2 => "cr2",
            Self::Cr3 => "cr3",
            Self::Nef => "nef",
            Self::Arw => "arw",
            Self::Dng => "dng",
            Self::Raf => "raf",
            Self::Orf => "orf",
            Self::Rw2 => "rw2",
            Self::Icns => "icns",
            Self::Xcf => "xcf",
            Self::Pcx => "pcx",
            Self::Sgi => "sgi",
            Self::SunRaster => "ras",
            Self::Fits => "fits",
            Self::Bpg => "bpg",
            Self::Flif => "flif",
            Self::DjVu => "djvu",
            Self::Mng => "mng",
            Self::Jng => "jng",
            Self::Dpx => "dpx",
            Self::Jbig2 => "jbig2",
            Self::Svg => "svg",
            Self::Eps => "eps",
            Self::Emf => "emf",
            Self::Wmf => "wmf",
            other => other.unread_name(),
        }
    }

    /// The names of [`super::unread`], and of camera raw without one of its own.
    const fn unread_name(self) -> &'static str {
        match self {
            Self::Jbig => "jbig",
            Self::Wbmp => "wbmp",
            Self::Xpm => "xpm",
            Self::Xbm => "xbm",
            Self::Xwd => "xwd",
            Self::Pict => "pict",
            Self::Cals => "cals",
            Self::Cineon => "cineon",
            Self::Dcx => "dcx",
            Self::Miff => "miff",
            Self::Pfm => "pfm",
            Self::Pgx => "pgx",
            Self::Sixel => "sixel",
            Self::Vicar => "vicar",
            Self::Viff => "viff",
            Self::Vips => "vips",
            Self::PhotoCd => "photocd",
            Self::PalmImage => "palm-image",
            Self::Ipl => "ipl",
            Self::CiscoPhone => "cisco-phone",
            Self::PaintShopPro => "psp",
            Self::PaintNet => "pdn",
            Self::Dicom => "dicom",
            Self::Ktx => "ktx",
            Self::JpegXs => "jpegxs",
            Self::WindowsPaint => "msp",
            Self::Mag => "mag",
            Self::Ilbm => "ilbm",
            Self::AnimatedCursor => "ani",
            Self::Dib => "dib",
            Self::Aai => "aai",
            Self::Avs => "avs",
            Self::Mtv => "mtv",
            _ => "raw",
        }
    }

    /// Whether this build decodes the format.
    pub const fn is_supported(self) -> bool {
        match self {
            Self::Heif => HAS_HEIC,
            Self::JpegXl => HAS_JXL,
            Self::Avif => HAS_AVIF,
            Self::Jpeg2000 => HAS_JPEG2000,
            Self::Jpeg | Self::Png | Self::Gif | Self::WebP | Self::Tiff => true,
            Self::Bmp | Self::Dib | Self::Ico | Self::Qoi | Self::Tga | Self::Pnm => true,
            _ => false,
        }
    }

    /// Whether the format holds a camera's raw data, and its renderings beside them.
    pub const fn is_raw(self) -> bool {
        matches!(
            self,
            Self::Cr2
                | Self::Cr3
                | Self::Nef
                | Self::Arw
                | Self::Dng
                | Self::Raf
                | Self::Orf
                | Self::Rw2
                | Self::CameraRaw
        )
    }

    /// Whether the format describes a drawing, which has no pixels of its own to hash.
    pub const fn is_vector(self) -> bool {
        matches!(self, Self::Svg | Self::Eps | Self::Emf | Self::Wmf)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
