// SPDX-License-Identifier: Apache-2.0
/**
 * The scenarios that Culvert must make work, one class each; the numbers are the scenarios' own.
 */
package dev.culvert.lab.scenario;
