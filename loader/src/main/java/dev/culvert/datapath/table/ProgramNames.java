// SPDX-License-Identifier: Apache-2.0
package dev.culvert.datapath.table;

import java.util.List;

/** Names of the programs in bpf/src/culvert.bpf.c; a unit test holds them against the object. */
public final class ProgramNames {
  /** On the host's end of a container's veth pair, or on a bridge. */
  public static final String FROM_CONTAINER = "from_container";

  /** The other way through the same interfaces: sees what the stack delivers. */
  public static final String TO_CONTAINER = "to_container";

  /** On the IPv6 route to the host's own device. */
  public static final String JUDGE_ROUTED = "judge_routed";

  /** On the underlay, at tc. */
  public static final String FROM_UNDERLAY = "from_underlay";

  /** On the way out of the host's own device, culvert0. */
  public static final String FROM_HOST = "from_host";

  /** On the way in through the host's own device, culvert0. */
  public static final String FROM_TUNNEL = "from_tunnel";

  /** On the underlay, before the kernel merges packets. */
  public static final String STRIP_AT_XDP = "strip_at_xdp";

  /** Those of enum program in bpf/src/maps.h, by number: the programs that events tell of. */
  public static final List<String> BY_NUMBER =
      List.of(FROM_CONTAINER, FROM_UNDERLAY, FROM_HOST, FROM_TUNNEL);

  private ProgramNames() {}
}
