/* SPDX-License-Identifier: MIT */
/*
 * The one thing of EXIF that moves pixels: tag 0x0112, orientation, in the first directory (IFD 0)
 * of a TIFF structure. EXIF 2.3 (CIPA DC-008-2012), sec. 4.5.2 and 4.6.4; TIFF 6.0, sec. 2.
 *
 * Read by ourselves: it is one number, and nothing else is looked at. No offset is believed before
 * it is compared with what there is; the work is bounded by one directory, 65535 entries.
 */
#include "image/image.h"

enum { ENTRY_BYTES = 12, TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3 };

typedef struct tiff {
    const unsigned char *bytes;
    size_t n;
    bool big_endian;
} tiff;

/* The caller has seen that 2 (4) bytes are there. */
static unsigned get16(const tiff *t, size_t at)
{
    const unsigned a = t->bytes[at], b = t->bytes[at + 1];
    return t->big_endian ? a << 8 | b : b << 8 | a;
}

static uint32_t get32(const tiff *t, size_t at)
{
    const uint32_t a = get16(t, at), b = get16(t, at + 2);
    return t->big_endian ? a << 16 | b : b << 16 | a;
}

static unsigned search_directory(const tiff *t, size_t at)
{
    if (t->n < 2 || at > t->n - 2) return 1;
    const size_t n_entries = get16(t, at), room = (t->n - at - 2) / ENTRY_BYTES;
    at += 2;
    for (size_t i = 0; i < n_entries && i < room; i++, at += ENTRY_BYTES) {
        if (get16(t, at) != TAG_ORIENTATION) continue;
        if (get16(t, at + 2) != TYPE_SHORT || get32(t, at + 4) != 1) return 1;
        const unsigned value = get16(t, at + 8);
        return value >= 1 && value <= 8 ? value : 1;
    }
    return 1;
}

unsigned phi_exif_orientation(const unsigned char *bytes, size_t n)
{
    tiff t = {bytes, n, false};
    if (n < 8) return 1;
    if (memcmp(bytes, "MM\0*", 4) == 0)
        t.big_endian = true;
    else if (memcmp(bytes, "II*\0", 4) != 0)
        return 1;
    return search_directory(&t, get32(&t, 4));
}
