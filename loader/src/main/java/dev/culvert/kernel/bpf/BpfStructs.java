// SPDX-License-Identifier: Apache-2.0
package dev.culvert.kernel.bpf;

import dev.culvert.kernel.object.StructLayout;
import dev.culvert.kernel.object.StructLayout.Field;

/**
 * The structs of bpf(2), field for field, as far as Culvert uses them: those that union bpf_attr
 * holds for one kind of command each, and those that tell about an object (source: linux/bpf.h). A
 * unit test holds them against the BTF of the header's own types.
 */
final class BpfStructs {
  /** BPF_OBJ_NAME_LEN, with the closing zero. */
  static final int NAME_BYTES = 16;

  private BpfStructs() {}

  /** BPF_MAP_CREATE. */
  static final class MapCreate {
    static final StructLayout LAYOUT =
        StructLayout.of("map_create")
            .u32("map_type")
            .u32("key_size")
            .u32("value_size")
            .u32("max_entries")
            .u32("map_flags")
            .u32("inner_map_fd")
            .u32("numa_node")
            .bytes("map_name", NAME_BYTES)
            .u32("map_ifindex")
            .u32("btf_fd")
            .u32("btf_key_type_id")
            .u32("btf_value_type_id")
            .build();
    static final Field TYPE = LAYOUT.field("map_type");
    static final Field KEY_SIZE = LAYOUT.field("key_size");
    static final Field VALUE_SIZE = LAYOUT.field("value_size");
    static final Field MAX_ENTRIES = LAYOUT.field("max_entries");
    static final Field FLAGS = LAYOUT.field("map_flags");
    static final Field INNER_MAP_FD = LAYOUT.field("inner_map_fd");
    static final Field NAME = LAYOUT.field("map_name");
    static final Field BTF_FD = LAYOUT.field("btf_fd");
    static final Field KEY_TYPE_ID = LAYOUT.field("btf_key_type_id");
    static final Field VALUE_TYPE_ID = LAYOUT.field("btf_value_type_id");

    private MapCreate() {}
  }

  /** BPF_MAP_*_ELEM, BPF_MAP_GET_NEXT_KEY (with the next key for a value), BPF_MAP_FREEZE. */
  static final class MapElement {
    static final StructLayout LAYOUT =
        StructLayout.of("map_elem").u32("map_fd").u64("key").u64("value").u64("flags").build();
    static final Field MAP_FD = LAYOUT.field("map_fd");
    static final Field KEY = LAYOUT.field("key");
    static final Field VALUE = LAYOUT.field("value");
    static final Field FLAGS = LAYOUT.field("flags");

    private MapElement() {}
  }

  /** BPF_MAP_*_BATCH. */
  static final class MapBatch {
    static final StructLayout LAYOUT =
        StructLayout.of("batch")
            .u64("in_batch")
            .u64("out_batch")
            .u64("keys")
            .u64("values")
            .u32("count")
            .u32("map_fd")
            .u64("elem_flags")
            .u64("flags")
            .build();
    static final Field KEYS = LAYOUT.field("keys");
    static final Field VALUES = LAYOUT.field("values");
    static final Field COUNT = LAYOUT.field("count");
    static final Field MAP_FD = LAYOUT.field("map_fd");

    private MapBatch() {}
  }

  /** BPF_BTF_LOAD. */
  static final class BtfLoad {
    static final StructLayout LAYOUT =
        StructLayout.of("btf_load")
            .u64("btf")
            .u64("btf_log_buf")
            .u32("btf_size")
            .u32("btf_log_size")
            .u32("btf_log_level")
            .build();
    static final Field BTF = LAYOUT.field("btf");
    static final Field SIZE = LAYOUT.field("btf_size");

    private BtfLoad() {}
  }

  /** BPF_PROG_LOAD. */
  static final class ProgLoad {
    static final StructLayout LAYOUT =
        StructLayout.of("prog_load")
            .u32("prog_type")
            .u32("insn_cnt")
            .u64("insns")
            .u64("license")
            .u32("log_level")
            .u32("log_size")
            .u64("log_buf")
            .u32("kern_version")
            .u32("prog_flags")
            .bytes("prog_name", NAME_BYTES)
            .u32("prog_ifindex")
            .u32("expected_attach_type")
            .u32("prog_btf_fd")
            .u32("func_info_rec_size")
            .u64("func_info")
            .u32("func_info_cnt")
            .u32("line_info_rec_size")
            .u64("line_info")
            .u32("line_info_cnt")
            .build();
    static final Field TYPE = LAYOUT.field("prog_type");
    static final Field INSTRUCTION_COUNT = LAYOUT.field("insn_cnt");
    static final Field INSTRUCTIONS = LAYOUT.field("insns");
    static final Field LICENSE = LAYOUT.field("license");
    static final Field LOG_LEVEL = LAYOUT.field("log_level");
    static final Field LOG_SIZE = LAYOUT.field("log_size");
    static final Field LOG = LAYOUT.field("log_buf");
    static final Field FLAGS = LAYOUT.field("prog_flags");
    static final Field NAME = LAYOUT.field("prog_name");
    static final Field ATTACH_TYPE = LAYOUT.field("expected_attach_type");
    static final Field BTF_FD = LAYOUT.field("prog_btf_fd");
    static final Field FUNCTION_RECORD_SIZE = LAYOUT.field("func_info_rec_size");
    static final Field FUNCTIONS = LAYOUT.field("func_info");
    static final Field FUNCTION_COUNT = LAYOUT.field("func_info_cnt");
    static final Field LINE_RECORD_SIZE = LAYOUT.field("line_info_rec_size");
    static final Field LINES = LAYOUT.field("line_info");
    static final Field LINE_COUNT = LAYOUT.field("line_info_cnt");

    private ProgLoad() {}
  }

  /** BPF_PROG_TEST_RUN. */
  static final class TestRun {
    static final StructLayout LAYOUT =
        StructLayout.of("test")
            .u32("prog_fd")
            .u32("retval")
            .u32("data_size_in")
            .u32("data_size_out")
            .u64("data_in")
            .u64("data_out")
            .u32("repeat")
            .u32("duration")
            .u32("ctx_size_in")
            .u32("ctx_size_out")
            .u64("ctx_in")
            .u64("ctx_out")
            .u32("flags")
            .build();
    static final Field PROG_FD = LAYOUT.field("prog_fd");
    static final Field RETURN_VALUE = LAYOUT.field("retval");
    static final Field IN_SIZE = LAYOUT.field("data_size_in");
    static final Field OUT_SIZE = LAYOUT.field("data_size_out");
    static final Field IN = LAYOUT.field("data_in");
    static final Field OUT = LAYOUT.field("data_out");
    static final Field REPEAT = LAYOUT.field("repeat");
    static final Field DURATION = LAYOUT.field("duration");
    static final Field CONTEXT_SIZE = LAYOUT.field("ctx_size_in");
    static final Field CONTEXT = LAYOUT.field("ctx_in");
    static final Field FLAGS = LAYOUT.field("flags");

    private TestRun() {}
  }

  /** BPF_OBJ_PIN, BPF_OBJ_GET. */
  static final class Pin {
    static final StructLayout LAYOUT = StructLayout.of("pin").u64("pathname").u32("bpf_fd").build();
    static final Field PATH = LAYOUT.field("pathname");
    static final Field FD = LAYOUT.field("bpf_fd");

    private Pin() {}
  }

  /** BPF_PROG_QUERY, as far as the ids of programs. */
  static final class ProgQuery {
    static final StructLayout LAYOUT =
        StructLayout.of("query")
            .u32("target_ifindex")
            .u32("attach_type")
            .u32("query_flags")
            .u32("attach_flags")
            .u64("prog_ids")
            .u32("count")
            .build();
    static final Field INTERFACE_INDEX = LAYOUT.field("target_ifindex");
    static final Field ATTACH_TYPE = LAYOUT.field("attach_type");
    static final Field IDS = LAYOUT.field("prog_ids");
    static final Field COUNT = LAYOUT.field("count");

    private ProgQuery() {}
  }

  /** BPF_PROG_GET_FD_BY_ID. */
  static final class GetId {
    static final StructLayout LAYOUT = StructLayout.of("get_id").u32("prog_id").build();
    static final Field PROG_ID = LAYOUT.field("prog_id");

    private GetId() {}
  }

  /** BPF_OBJ_GET_INFO_BY_FD. */
  static final class GetInfo {
    static final StructLayout LAYOUT =
        StructLayout.of("info").u32("bpf_fd").u32("info_len").u64("info").build();
    static final Field FD = LAYOUT.field("bpf_fd");
    static final Field SIZE = LAYOUT.field("info_len");
    static final Field INFO = LAYOUT.field("info");

    private GetInfo() {}
  }

  /** BPF_LINK_CREATE. */
  static final class LinkCreate {
    static final StructLayout LAYOUT =
        StructLayout.of("link_create")
            .u32("prog_fd")
            .u32("target_ifindex")
            .u32("attach_type")
            .u32("flags")
            .build();
    static final Field PROG_FD = LAYOUT.field("prog_fd");
    static final Field INTERFACE_INDEX = LAYOUT.field("target_ifindex");
    static final Field ATTACH_TYPE = LAYOUT.field("attach_type");
    static final Field FLAGS = LAYOUT.field("flags");

    private LinkCreate() {}
  }

  /** BPF_LINK_UPDATE. */
  static final class LinkUpdate {
    static final StructLayout LAYOUT =
        StructLayout.of("link_update").u32("link_fd").u32("new_prog_fd").build();
    static final Field LINK_FD = LAYOUT.field("link_fd");
    static final Field PROG_FD = LAYOUT.field("new_prog_fd");

    private LinkUpdate() {}
  }

  /** BPF_LINK_DETACH. */
  static final class LinkDetach {
    static final StructLayout LAYOUT = StructLayout.of("link_detach").u32("link_fd").build();
    static final Field LINK_FD = LAYOUT.field("link_fd");

    private LinkDetach() {}
  }

  /** BPF_ENABLE_STATS. */
  static final class EnableStats {
    static final StructLayout LAYOUT = StructLayout.of("enable_stats").u32("type").build();
    static final Field TYPE = LAYOUT.field("type");

    private EnableStats() {}
  }
}
