// SPDX-License-Identifier: Apache-2.0
/** "./dev bench programs": what a packet costs in each program. */
package dev.culvert.bench.programs;
