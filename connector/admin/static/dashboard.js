// Draws the dashboard's charts in the colours of the theme, and again when it changes.
(() => {
  'use strict';
  const { Chart } = window, data = JSON.parse(document.getElementById('charts-data').textContent), drawn = [];
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axes = (format, ticks) => ({
    x: { grid: { display: false }, border: { display: false }, ticks: { maxRotation: 0, autoSkip: true, maxTicksLimit: ticks } },
    y: { beginAtZero: true, border: { display: false }, ticks: { maxTicksLimit: 5, callback: format } },
  });
  const chart = (id, options) => { if (document.getElementById(id)) drawn.push(new Chart(id, options)); };
  function draw() {
    drawn.splice(0).forEach(chart => chart.destroy());
    Object.assign(Chart.defaults, { color: colour('--text-3'), borderColor: colour('--border'), animation: false, maintainAspectRatio: false });
    Object.assign(Chart.defaults.font, { family: colour('--font'), size: 12 });
    const tip = { backgroundColor: colour('--text'), titleColor: colour('--bg'), bodyColor: colour('--bg'), padding: 10, cornerRadius: 8, displayColors: false };
    const round = { boxWidth: 8, boxHeight: 8, usePointStyle: true };
    const { sales, states, delay } = data, money = value => sales.symbol + value.toLocaleString('en');
    chart('chart-sales', {
      type: 'bar',
      data: { labels: sales.labels, datasets: [{ data: sales.data, backgroundColor: colour('--c1'), borderRadius: 4, maxBarThickness: 18 }] },
      options: { plugins: { legend: { display: false }, tooltip: { ...tip, callbacks: { label: item => money(item.parsed.y) } } }, scales: axes(money, 8) },
    });
    chart('chart-states', {
      type: 'doughnut',
      data: {
        labels: states.labels.map((label, i) => `${label}  ${states.data[i].toLocaleString('en')}`),
        datasets: [{ data: states.data, backgroundColor: ['--c1', '--c3', '--c4', '--c2', '--c5'].map(colour), borderColor: colour('--surface'), borderWidth: 2 }],
      },
      options: { cutout: '68%', plugins: { tooltip: tip, legend: { position: 'right', labels: { ...round, padding: 10, color: colour('--text-2') } } } },
    });
    chart('chart-delay', {
      type: 'line',
      data: {
        labels: delay.labels,
        datasets: [
          { label: '99 of 100', data: delay.p99, borderColor: colour('--c2'), borderWidth: 2, pointRadius: 2, tension: .3, spanGaps: true },
          { label: 'half', data: delay.p50, borderColor: colour('--c1'), backgroundColor: `${colour('--c1')}22`, fill: true, borderWidth: 2, pointRadius: 2, tension: .3, spanGaps: true },
        ],
      },
      options: { interaction: { mode: 'index', intersect: false }, plugins: { tooltip: tip, legend: { align: 'end', labels: round } }, scales: axes(value => value, 6) },
    });
  }
  document.addEventListener('themechange', draw);
  document.fonts.ready.then(draw);
})();
