// Installing the hooks and defining the settings.
#pragma once

namespace shardext {

void install_hooks();
void define_settings();

} // namespace shardext
