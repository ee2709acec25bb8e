// SPDX-License-Identifier: Apache-2.0
/**
 * bpf/src/maps.h in Java: the structs ({@link dev.culvert.datapath.table.Layouts}), the names of
 * maps and programs, and behind {@link dev.culvert.datapath.table.Tables} a class for each map or
 * two, which alone knows its entries. Each table is owned by one thread. Not exported.
 */
package dev.culvert.datapath.table;
