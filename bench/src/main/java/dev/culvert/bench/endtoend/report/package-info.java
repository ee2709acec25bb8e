// SPDX-License-Identifier: Apache-2.0
/**
 * What a run leaves: one page with everything in it, the same tables as Markdown, and every single
 * value as CSV and JSON.
 */
package dev.culvert.bench.endtoend.report;
