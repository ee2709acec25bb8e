// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.ebpf;

import dev.culvert.kernel.bpf.BpfObjectSpec;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How much the maps have room for. The kernel takes memory for an entry when it is made, but for 16
 * bytes for each VTEP. Pinned maps of another size give way to new ones that hold all that they
 * held, while packets flow; sizes that cannot hold it are refused before anything is changed.
 *
 * @param subnets of all hosts, as many of each IP family; VTEPs as many
 * @param endpoints of this host, as many addresses of each IP family
 */
public record MapSizes(int subnets, int endpoints) {
  /** What the object was built with: 65,536 subnets and 16,384 endpoints. */
  public static final MapSizes DEFAULT = new MapSizes(65_536, 16_384);

  /** The most that is sensible: a /8 of subnets with one address each. */
  public static final int MAX = 1 << 24;

  private static final List<String> SUBNETS =
      List.of("subnets4", "subnets6", "exact4", "exact6", "vteps", "paths");

  private static final List<String> ENDPOINTS = List.of("endpoints4", "endpoints6", "interfaces");

  /**
   * Checks both.
   *
   * @throws IllegalArgumentException outside 1 to {@link #MAX}
   */
  public MapSizes {
    if (subnets < 1 || subnets > MAX || endpoints < 1 || endpoints > MAX) {
      throw new IllegalArgumentException(
          "Room for "
              + subnets
              + " subnets and "
              + endpoints
              + " endpoints is outside 1-"
              + MAX
              + ".");
    }
  }

  /** All that a size is given for; none of them is a map of maps or a ring. */
  static final Set<String> MAPS =
      Stream.concat(SUBNETS.stream(), ENDPOINTS.stream()).collect(Collectors.toUnmodifiableSet());

  /** The object with maps of these sizes. */
  BpfObjectSpec applyTo(BpfObjectSpec object) {
    BpfObjectSpec sized = object;
    for (String map : SUBNETS) {
      sized = sized.withMaxEntries(map, subnets);
    }
    for (String map : ENDPOINTS) {
      sized = sized.withMaxEntries(map, endpoints);
    }
    return sized;
  }
}
