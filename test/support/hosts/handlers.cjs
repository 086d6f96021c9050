exports.handler = async (event) => ({ from: 'CommonJS', event });
exports['on-order'] = (_event, _context, callback) => callback(null, 'called back');
