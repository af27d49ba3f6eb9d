// Settings under which values become text that means the same in every session.
#pragma once
#include "shardext/pg/postgres.hpp"

namespace shardext {

// Inside, output functions write what every session reads back the same way (ISO dates, exact floats).
int begin_transmission_modes();
void end_transmission_modes(int level);

// Makes SQL that shardext writes mean the same whatever the user has set. Lasts until the caller's GUC nest
// level ends; begin_transmission_modes() does it as well.
void set_parsing_modes();

} // namespace shardext
