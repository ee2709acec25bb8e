// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.object.StructLayout;
import dev.culvert.kernel.object.StructLayout.Field;

/**
 * What BPF_OBJ_GET_INFO_BY_FD fills in, up to the last field that Culvert reads (source:
 * linux/bpf.h). A kernel that has more keeps it to itself, one that has less leaves 0. A unit test
 * holds them against the BTF of the header's own types.
 */
final class BpfInfo {
  private static final int TAG_BYTES = 8;

  private BpfInfo() {}

  /** struct bpf_prog_info. */
  static final class Program {
    static final StructLayout LAYOUT =
        StructLayout.of("bpf_prog_info")
            .u32("type")
            .u32("id")
            .bytes("tag", TAG_BYTES)
            .u32("jited_prog_len")
            .u32("xlated_prog_len")
            .u64("jited_prog_insns")
            .u64("xlated_prog_insns")
            .u64("load_time")
            .u32("created_by_uid")
            .u32("nr_map_ids")
            .u64("map_ids")
            .bytes("name", BpfStructs.NAME_BYTES)
            .u32("ifindex")
            .u32("gpl_compatible")
            .u64("netns_dev")
            .u64("netns_ino")
            .u32("nr_jited_ksyms")
            .u32("nr_jited_func_lens")
            .u64("jited_ksyms")
            .u64("jited_func_lens")
            .u32("btf_id")
            .u32("func_info_rec_size")
            .u64("func_info")
            .u32("nr_func_info")
            .u32("nr_line_info")
            .u64("line_info")
            .u64("jited_line_info")
            .u32("nr_jited_line_info")
            .u32("line_info_rec_size")
            .u32("jited_line_info_rec_size")
            .u32("nr_prog_tags")
            .u64("prog_tags")
            .u64("run_time_ns")
            .u64("run_cnt")
            .build();
    static final Field TYPE = LAYOUT.field("type");
    static final Field ID = LAYOUT.field("id");
    static final Field TAG = LAYOUT.field("tag");
    static final Field JITED_BYTES = LAYOUT.field("jited_prog_len");
    static final Field TRANSLATED_BYTES = LAYOUT.field("xlated_prog_len");
    static final Field NAME = LAYOUT.field("name");
    static final Field RUN_TIME_NS = LAYOUT.field("run_time_ns");
    static final Field RUN_COUNT = LAYOUT.field("run_cnt");

    private Program() {}
  }

  /** struct bpf_map_info. */
  static final class Map {
    static final StructLayout LAYOUT =
        StructLayout.of("bpf_map_info")
            .u32("type")
            .u32("id")
            .u32("key_size")
            .u32("value_size")
            .u32("max_entries")
            .u32("map_flags")
            .bytes("name", BpfStructs.NAME_BYTES)
            .build();
    static final Field TYPE = LAYOUT.field("type");
    static final Field ID = LAYOUT.field("id");
    static final Field KEY_SIZE = LAYOUT.field("key_size");
    static final Field VALUE_SIZE = LAYOUT.field("value_size");
    static final Field MAX_ENTRIES = LAYOUT.field("max_entries");
    static final Field FLAGS = LAYOUT.field("map_flags");
    static final Field NAME = LAYOUT.field("name");

    private Map() {}
  }

  /**
   * struct bpf_link_info. What follows program and type depends on the type: of XDP, tcx and netkit
   * links it begins with the interface's index.
   */
  static final class Link {
    static final StructLayout LAYOUT =
        StructLayout.of("bpf_link_info")
            .u32("type")
            .u32("id")
            .u32("prog_id")
            .bytes("pad", Integer.BYTES)
            .u32("xdp.ifindex")
            .build();
    static final Field TYPE = LAYOUT.field("type");
    static final Field PROGRAM_ID = LAYOUT.field("prog_id");
    static final Field INTERFACE_INDEX = LAYOUT.field("xdp.ifindex");

    private Link() {}
  }
}
