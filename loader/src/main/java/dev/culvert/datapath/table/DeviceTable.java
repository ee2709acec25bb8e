// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import static dev.culvert.datapath.table.Layouts.DEVICE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Map devices: where culvert0 is, for what the programs hand to it. */
public final class DeviceTable {
  private final EntryMap devices;

  public DeviceTable(EntryMap devices) {
    this.devices = devices;
  }

  /**
   * Tells the programs.
   *
   * @param routeJudges whether the IPv6 route to the device drops packets that come from outside
   *     with this host's own address
   */
  public void set(int interfaceIndex, boolean routeJudges) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(DEVICE.sizeBytes(), 8);
      Layouts.putInt(value, DEVICE, "ifindex", interfaceIndex);
      Layouts.putInt(value, DEVICE, "flags", routeJudges ? Layouts.DEVICE_ROUTE_JUDGES : 0);
      devices.put(arena.allocate(Layouts.ONE_KEY), value);
    }
  }
}
