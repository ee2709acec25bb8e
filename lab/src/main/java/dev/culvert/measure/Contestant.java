// SPDX-License-Identifier: Apache-2.0
package dev.culvert.measure;

import dev.culvert.lab.LabPlan;

/**
 * One of those that are compared.
 *
 * @param id short and without blanks, for files and tables
 * @param server to which the client, another container on another host, sends
 */
public record Contestant(String id, LabPlan.Container client, LabPlan.Container server) {}
