/* SPDX-License-Identifier: MIT */
#ifndef PHI_CLOCK_H
#define PHI_CLOCK_H

/* Seconds of a clock that only goes forward; differences count, the origin does not. */
double phi_clock(void);

#endif /* PHI_CLOCK_H */
