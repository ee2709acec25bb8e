// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What the name of a section says of its programs (sources: enum bpf_prog_type and bpf_attach_type
 * of linux/bpf.h; the names are those of libbpf).
 */
enum ProgramKind {
  TC(3, 0, 0, "tc", "classifier", "tcx/ingress", "tcx/egress", "tc/ingress", "tc/egress"),
  ACTION(4, 0, 0, "action"),
  SOCKET_FILTER(1, 0, 0, "socket"),
  ROUTE_OUT(11, 0, 0, "lwt_out"),
  XDP(6, ProgramKind.ATTACH_XDP, 0, "xdp"),
  XDP_FRAGMENTS(6, ProgramKind.ATTACH_XDP, ProgramKind.FLAG_XDP_FRAGMENTS, "xdp.frags");

  private static final int ATTACH_XDP = 37;
  private static final int FLAG_XDP_FRAGMENTS = 1 << 5;

  private final int type;
  private final int attachType;
  private final int flags;

  @SuppressWarnings("ImmutableEnumChecker") // Made by List.of.
  private final List<String> sections;

  ProgramKind(int type, int attachType, int flags, String... sections) {
    this.type = type;
    this.attachType = attachType;
    this.flags = flags;
    this.sections = List.of(sections);
  }

  int type() {
    return type;
  }

  int attachType() {
    return attachType;
  }

  int flags() {
    return flags;
  }

  static Optional<ProgramKind> ofSection(String section) {
    return Arrays.stream(values()).filter(k -> k.sections.contains(section)).findFirst();
  }

  static String known() {
    return Arrays.stream(values())
        .flatMap(k -> k.sections.stream())
        .collect(Collectors.joining(", "));
  }
}
