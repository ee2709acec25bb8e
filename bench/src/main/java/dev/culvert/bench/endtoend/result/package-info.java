// SPDX-License-Identifier: Apache-2.0
/** What a run measured, as the report takes it: no lab, no tool, only values. */
package dev.culvert.bench.endtoend.result;
