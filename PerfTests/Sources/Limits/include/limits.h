// The limits: the same bytes moved and synced with no work done between.
#ifndef CASHUP_LIMITS_H
#define CASHUP_LIMITS_H

#endif
