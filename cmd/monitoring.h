/* SPDX-License-Identifier: ISC */
#ifndef MONITORING_H
#define MONITORING_H

/* What a monitoring system needs to know of the numbers that metrics.h prints. */

#include <stdio.h>

/* Rules of alerts for Prometheus, as YAML. Errors of out stay in the stream. */
void monitoring_alert_rules(FILE *out);
/* A dashboard for Grafana, as JSON. Likewise. */
void monitoring_dashboard(FILE *out);

#endif
